package ewo_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// soap-response-suchePersonErweitert.xml is the person of
// EWOSucheMitOMResponse.json: read from XML it is the same.
func TestSOAPIsTheSamePerson(t *testing.T) {
	found, err := ewo.ReadSOAP(recorded(t, "ehrenamt-ewo", "soap-response-suchePersonErweitert.xml"))
	if err != nil || len(found) != 1 {
		t.Fatal(len(found), err)
	}
	rest, err := ewo.Read(recorded(t, "ehrenamt-ewo", "EWOSucheMitOMResponse.json"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(groups(t, rest), groups(t, found[0])); d != "" {
		t.Error(d)
	}
}

func TestSOAPEmptyAndFault(t *testing.T) {
	for _, file := range []string{"soap-response-lesePersonErweitert-empty.xml", "soap-response-suchePersonErweitert-empty.xml"} {
		if found, err := ewo.ReadSOAP(recorded(t, "ehrenamt-ewo", file)); len(found) != 0 || err != nil {
			t.Errorf("%s: %v, %v", file, found, err)
		}
	}
	_, err := ewo.ReadSOAP(recorded(t, "ehrenamt-ewo", "soap-fault.xml"))
	e, ok := errors.AsType[*eai.Error](err)
	if !ok || !e.Blocking || e.Code != eai.Failed || !strings.Contains(err.Error(), "EWO07F0999") || strings.Contains(err.Error(), "Suchprofil") {
		t.Error(err)
	}
}

// soap-request-lesePersonErweitert.xml: the same elements in the same order, and
// the same values where they are not secrets, random or a time.
func TestLeseAsRecorded(t *testing.T) {
	written := ewo.WriteLese("REDACTED", "REDACTED", []byte("n"), time.Date(2025, 1, 15, 13, 22, 32, 548_000_000, time.UTC), "8", "8973")
	own := regexp.MustCompile(`(Id=)UsernameToken-[0-9A-F]+|bg==`)
	want := own.ReplaceAllString(strings.Join(lines(t, recorded(t, "ehrenamt-ewo", "soap-request-lesePersonErweitert.xml")), "\n"), "$1 REDACTED")
	got := own.ReplaceAllString(strings.Join(lines(t, written), "\n"), "$1 REDACTED")
	if d := cmp.Diff(strings.ReplaceAll(want, " REDACTED", "REDACTED"), strings.ReplaceAll(got, " REDACTED", "REDACTED")); d != "" {
		t.Error(d)
	}
}

func lines(t *testing.T, document []byte) (all []string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(string(document)))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tk := token.(type) {
		case xml.StartElement:
			line := tk.Name.Space + " " + tk.Name.Local
			for _, a := range tk.Attr {
				if a.Name.Space != "xmlns" {
					line += " " + a.Name.Local + "=" + a.Value
				}
			}
			all = append(all, line)
		case xml.CharData:
			if text := strings.TrimSpace(string(tk)); text != "" {
				all = append(all, text)
			}
		}
	}
}

func TestSOAPClient(t *testing.T) {
	status, answer := 200, recorded(t, "ehrenamt-ewo", "soap-response-suchePersonErweitert.xml")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), "<om>162015039514</om>") || !strings.Contains(string(body), "Username>amtsbote&amp;<") {
			t.Errorf("%s %v", body, err)
		}
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(server.Close)
	gateway, err := eai.Config{URL: server.URL, Frist: 5 * time.Second}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gateway.Close)
	c := &ewo.SOAP{EAI: gateway, Benutzer: "amtsbote&", Passwort: "probe", BenutzerID: "8"}
	p, err := c.PersonErweitert(t.Context(), "162015039514")
	if err != nil || p.Familienname() != "Wimtest-zwei-ohne-Pass" {
		t.Error(p, err)
	}
	answer = recorded(t, "ehrenamt-ewo", "soap-response-lesePersonErweitert-empty.xml")
	if p, err := c.PersonErweitert(t.Context(), "162015039514"); p != nil || err != nil {
		t.Error(p, err)
	}
	status, answer = 500, recorded(t, "ehrenamt-ewo", "soap-fault.xml")
	if _, err := c.PersonErweitert(t.Context(), "162015039514"); err == nil || !strings.Contains(err.Error(), "EWO07F0999") {
		t.Error(err)
	}
	status, answer = 503, []byte("<html/>")
	if _, err := c.PersonErweitert(t.Context(), "162015039514"); eai.Code(err) != eai.Failed || !eai.IsBlocking(err) {
		t.Error(err)
	}
}

func FuzzReadSOAP(f *testing.F) {
	const open, end = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`, `</s:Body></s:Envelope>`
	f.Add([]byte(open + `<xResponse><p><ordnungsmerkmal>1</ordnungsmerkmal><wohnungen/><wohnungen/></p></xResponse>` + end))
	f.Add([]byte(open + `<s:Fault><faultcode>s:Server</faultcode></s:Fault>` + end))
	f.Fuzz(func(t *testing.T, answer []byte) {
		found, err := ewo.ReadSOAP(answer)
		if err != nil && found != nil {
			t.Error("persons beside an error")
		}
		for _, p := range found {
			if p.Ordnungsmerkmal() == "" {
				t.Error("a person without Ordnungsmerkmal")
			}
			_ = p.Sperren()
		}
	})
}
