package xta_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

const sampleID = "urn:de:xta:messageid:ClearingstelleXY_Xta_01:000ca2fe-f4e1-45c2-8233-3a0eb760bd16"

// answered is a server that always answers with one sample.
type answered struct{ body []byte }

func (a answered) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.Body.Close()
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/soap+xml; charset=utf-8"}},
		Body: io.NopCloser(bytes.NewReader(a.body)), Request: r,
	}, nil
}

// TestSampleAnswers has the client understand every answer among the samples.
func TestSampleAnswers(t *testing.T) {
	ctx := t.Context()
	class := func(want wire.Class, code string) func(xta.Service) error {
		return func(s xta.Service) error {
			_, err := s.Fetch(ctx, sampleID)
			f, ok := errors.AsType[*wire.Fault](err)
			if !ok || f.Class() != want || f.Code != code {
				return errors.Join(errors.New("class or code is wrong"), err)
			}
			return nil
		}
	}
	understood := map[string]func(xta.Service) error{
		"01-checkAccountActive-response.xml": func(s xta.Service) error { return s.CheckAccountActive(ctx) },
		"02-createMessageId-response.xml": func(s xta.Service) error {
			id, err := s.NewMessageID(ctx)
			return errors.Join(err, equal(id, sampleID))
		},
		"03-sendMessage-response.xml": func(s xta.Service) error { return s.Send(ctx, metaData("x"), container("<a/>")) },
		"04-getTransportReport-response.xml": func(s xta.Service) error {
			r, err := s.Report(ctx, sampleID)
			if err != nil {
				return err
			}
			return errors.Join(equal(r.Status, wire.Green), equal(r.Server, "xta.example.org"), equal(r.MetaData.MessageID, sampleID))
		},
		"05-getStatusList-response-empty.xml": func(s xta.Service) error {
			p, err := s.List(ctx, xta.Query{})
			if err != nil {
				return err
			}
			return errors.Join(equal(len(p.Entries), 0), equal(p.RequestID, "urn:uuid:req-2"), equal(p.More, false))
		},
		"05-getStatusList-response.xml": func(s xta.Service) error {
			p, err := s.List(ctx, xta.Query{})
			if err != nil || len(p.Entries) != 1 {
				return errors.Join(errors.New("not one entry"), err)
			}
			m := p.Entries[0].MetaData
			return errors.Join(equal(p.Entries[0].MessageID, sampleID), equal(p.Entries[0].Size, 5600), equal(m.Reader.Kennung, "ags:09184119"),
				equal(m.Scenario.Code, "XINNERES_DATA"), equal(m.Type.Name, "rueckmeldung.anmeldunginland.0201"), equal(m.Test, true))
		},
		"06-getMessage-response.xml": func(s xta.Service) error {
			f, err := s.Fetch(ctx, sampleID)
			if err != nil {
				return err
			}
			defer f.Close()
			c, err := f.Container()
			if err != nil {
				return err
			}
			return errors.Join(equal(f.RequestID, "urn:uuid:req-3"), equal(strings.Contains(text(t, c.Message.Content), "a2150ab4-c282-584c-b21b-ca365be1c0fc"), true),
				equal(c.Message.ContentType, "text/xml"))
		},
		"08-close-response.xml":              func(s xta.Service) error { return s.Close(ctx, "urn:uuid:req-3", sampleID) },
		"09-fault-invalidmessageid-9070.xml": class(wire.Unknown, "9070"),
		"09-fault-permission-9014.xml":       class(wire.Stop, "9014"),
		"09-fault-schema-9050.xml":           class(wire.Refused, "9050"),
		"09-fault-technical-9030.xml":        class(wire.Retry, "9030"),
	}
	for _, file := range samples(t, "response", "fault") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			understand := understood[filepath.Base(file)]
			if understand == nil {
				t.Fatal("a sample that this test does not know")
			}
			s := xta.Dial(xta.Config{ManagementPort: "http://x", SendPort: "http://x", BoxPort: "http://x", Timeout: time.Second, Dir: t.TempDir()},
				answered{read(t, file)})
			if err := understand(s); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSampleRequests has the simulator understand every request among the
// samples, the MTOM one included.
func TestSampleRequests(t *testing.T) {
	status := map[string]int{ // 500 where the simulated server has nothing of that kind
		"03-sendMessage-request.xml": 500, "04-getTransportReport-request.xml": 500, "06-getMessage-request.xml": 500,
		"08-close-request.xml": 500,
	}
	for _, file := range samples(t, "request") {
		name := filepath.Base(file)
		if name == "07-getNextMessage-request.xml" {
			continue // an operation that neither side has: getMessage does the same
		}
		code, body := ask(t, "application/soap+xml", read(t, file))
		want := status[name]
		if want == 0 {
			want = http.StatusOK
		}
		if code != want || !strings.Contains(body, "RelatesTo") {
			t.Errorf("%s: status %d\n%s", name, code, body)
		}
	}
}

// TestSampleMTOM reads the one request that travels as MTOM, with an envelope in
// place of its dots.
func TestSampleMTOM(t *testing.T) {
	raw := string(read(t, interop.Path(t, "data", "xoev", "xta", "soap-samples", "10-sendMessage-mtom.http.txt")))
	head, body, _ := strings.Cut(raw, "\n\n")
	body = strings.NewReplacer("<s:Envelope ...>", `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:xta="http://xoev.de/transport/xta/211">`,
		"... wsa:Action, wsa:MessageID, wsa:To, om:MessageMetaData ...", "").Replace(body)
	_, contentType, _ := strings.Cut(head, "Content-Type: ")
	contentType, _, _ = strings.Cut(contentType, "\n")
	m, err := wire.Read(strings.NewReader(strings.ReplaceAll(body, "\n", "\r\n")), contentType, wire.Limits{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c, err := m.Container()
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, c.Message.Content); !strings.Contains(got, "<xmeld:rueckmeldung.anmeldunginland.0201") || c.Message.Filename != "m.xml" {
		t.Error(got)
	}
}

func ask(t *testing.T, contentType string, body []byte) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	xtasim.New(xtasim.Options{Dir: t.TempDir()}).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func samples(t *testing.T, kinds ...string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(interop.Path(t, "data", "xoev", "xta", "soap-samples"), "*.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range all {
		for _, kind := range kinds {
			if strings.Contains(filepath.Base(f), kind) {
				found = append(found, f)
			}
		}
	}
	if len(found) < 8 {
		t.Fatal("too few samples:", found)
	}
	return found
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func equal[T comparable](got, want T) error {
	if got != want {
		return errors.New("a value is not as in the sample")
	}
	return nil
}
