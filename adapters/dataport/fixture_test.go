package dataport_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	destination = "d12caea8-f372-4eb1-b102-b0a228253a11"
	stranger    = "0b799252-deb9-42b0-98d3-c50d24bbafe0"
	eventSource = "urn:fit-connect:" + destination
	clientID    = "amtsbote"
	schemaURI   = "https://schema.example.org/antrag_1.0.schema.json"
)

// keys: the destination's present and former one, its signature, the service's.
// They are shorter than FIT-Connect's, to have them quickly.
var keys = sync.OnceValue(func() [4]fit.PrivateKey {
	var all [4]fit.PrivateKey
	for i := range all {
		k, err := fit.NewKey(2048)
		if err != nil {
			panic(err)
		}
		all[i] = k
	}
	return all
})

// service is a simulated Zustelldienst, and a hub's directory beside it.
type service struct {
	*fitsim.Server
	url, dir string
	logs     *observer.ObservedLogs
	log      *zap.Logger
	around   func(http.Handler) http.Handler // set before the first call
}

func newService(t testing.TB, change ...func(*fitsim.Options)) *service {
	t.Helper()
	k := keys()
	s := &service{dir: t.TempDir()}
	core, logs := observer.New(zapcore.InfoLevel)
	s.log, s.logs = zap.New(core), logs
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.around != nil {
			s.around(s.Server).ServeHTTP(w, r)
			return
		}
		s.ServeHTTP(w, r)
	}))
	s.url = web.URL
	opt := fitsim.Options{
		Base: web.URL + "/submission-api", Key: k[3], Dir: t.TempDir(), MinBits: 2048,
		Clients:      map[string]fitsim.Client{clientID: {Secret: "geheim", Destinations: []string{destination}}},
		Destinations: map[string]fitsim.Destination{destination: {Encryption: k[0].Public(), Signature: k[2].Public()}, stranger: {Encryption: k[1].Public(), Signature: k[1].Public()}},
	}
	for _, c := range change {
		c(&opt)
	}
	s.Server = fitsim.New(opt)
	t.Cleanup(func() { s.Stop(); web.Close() })
	for name, write := range map[string]func() ([]byte, error){
		"neu.jwk":  func() ([]byte, error) { return k[0].WriteJWK(fit.Decryption) },
		"alt.jwk":  func() ([]byte, error) { return k[1].WriteJWK(fit.Decryption) },
		"signatur": func() ([]byte, error) { return k[2].WriteJWK(fit.Signature) },
		"client":   func() ([]byte, error) { return []byte("geheim\n"), nil },
		"falsch":   func() ([]byte, error) { return []byte("falsch\n"), nil },
		"rückruf":  func() ([]byte, error) { return []byte("rückruf\n"), nil },
	} {
		raw, err := write()
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, name), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// settings of a source, with further ones.
func (s *service) settings(further string) adaptertest.Settings {
	return adaptertest.Settings(fmt.Sprintf("{token-url: '%s/token', submission-api: '%s/submission-api', zustellpunkt: %s, client-id: %s, client-secret: client, "+
		"schluessel: [neu.jwk, alt.jwk], signaturschluessel: signatur, poll: 1ms, frist: 5s, dir: fit%s}", s.url, s.url, destination, clientID, further))
}

func (s *service) env() hub.Env {
	e := adaptertest.Env(s.dir)
	e.Federation, e.Log = s.dir, s.log
	return e
}

func (s *service) open(further string) (hub.Source, error) {
	return dataport.Kind().Source(s.env(), s.settings(further))
}

func (s *service) source(t testing.TB, further string) hub.Source {
	t.Helper()
	x, err := s.open(further)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func id(n int) string     { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n) }
func caseOf(n int) string { return fmt.Sprintf("cccccccc-0000-4000-8000-%012d", n) }

// application is the nth that a citizen hands in.
func application(n int) fitsim.Application {
	return fitsim.Application{
		Destination: destination, Submission: id(n), Case: caseOf(n), SchemaURI: schemaURI, Service: "99107001017000",
		Data: json.RawMessage(fmt.Sprintf(`{"F60000227":"Mustermann","nummer":%d}`, n)),
		Attachments: []fitsim.Attachment{
			{Filename: "antrag.pdf", Type: "application/pdf", Purpose: "form", Content: fmt.Appendf(nil, "%%PDF-1.7 Antrag %d", n)},
			{Filename: "foto.png", Type: "image/png", Content: []byte("\x89PNG\r\n\x1a\n...")},
		},
	}
}

func (s *service) put(t testing.TB, app fitsim.Application) {
	t.Helper()
	if _, err := s.Submit(app); err != nil {
		t.Fatal(err)
	}
}

// reports are the reasons of what was set aside.
func (s *service) reports() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "fit", "error", "*.fehler.json"))
	var all []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var r struct{ Code, Text string }
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, err
		}
		all = append(all, r.Code+": "+r.Text)
	}
	return all, err
}

// until runs a source until ready says so.
func until(t testing.TB, s hub.Source, in hub.Intake, ready func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- s.Run(ctx, in) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case err := <-end:
			t.Fatal("Run ended:", err)
		case <-ctx.Done():
			t.Fatal("it did not come to that")
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Fatal(err)
	}
}

// done is the settlement of an event whose receivers all have it.
func done(id string) hub.Settlement {
	return hub.Settlement{EventRef: hub.EventRef{Source: eventSource, ID: id, Type: "de.antrag.eingereicht.v1"}, Outcome: hub.Routed, Copies: 1, Done: 1}
}

// idle are the connections of the simulated service.
var idle = []goleak.Option{
	goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
}

func dataportSource(s *service, settings string) (hub.Source, error) {
	return dataport.Kind().Source(s.env(), adaptertest.Settings(settings))
}

// settle tells a source how an event ended.
func settle(ctx context.Context, t testing.TB, s hub.Source, end hub.Settlement) error {
	t.Helper()
	l, ok := s.(hub.Listener)
	if !ok {
		t.Fatal("the source does not listen")
	}
	return l.Settled(ctx, end)
}
