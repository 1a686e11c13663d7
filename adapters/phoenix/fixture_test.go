package phoenix_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix/phoenixsim"
	"github.com/amtsbote/amtsbote/hub"
)

const password = "geheim: ü"

// happened is the nth event; its data are of a person that no notice may name.
func happened(n int) hub.Event {
	e := event.New()
	e.SetID(fmt.Sprintf("0190d5a0-0000-7000-8000-%012d", n))
	e.SetSource("urn:test:register")
	e.SetType("de.meldewesen.wohnung-angemeldet.v1")
	e.SetExtension("correlationid", fmt.Sprintf("7d3f0c4e-0000-4000-8000-%012d", n))
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(`{"person": {"name": "Zaunkönig", "ort": "Probstadt"}}`)
	return e
}

func delivery(n int) hub.Delivery {
	return hub.Delivery{ID: fmt.Sprintf("In.org-1_%d", n), Attempt: 1, Agreement: "test", Event: happened(n)}
}

// broken are events that nobody can hand over.
func broken() []hub.Event {
	noType := happened(1)
	noType.SetType(" ")
	return []hub.Event{noType, {}}
}

// env is the surroundings of an adapter whose directories are dir.
func env(dir string) hub.Env {
	e := adaptertest.Env(dir)
	e.Federation = dir
	return e
}

func write(t testing.TB, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// served is a handler at an address, which can be taken down.
type served struct {
	*httptest.Server
	down atomic.Bool
}

func serve(t testing.TB, h http.Handler) *served {
	t.Helper()
	s := &served{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	s.Config.SetKeepAlivesEnabled(false)
	t.Cleanup(s.Close)
	return s
}

// fall takes the server down until the function that it gives is called.
func (s *served) fall() (func() error, error) {
	s.down.Store(true)
	return func() error { s.down.Store(false); return nil }, nil
}

// cloud is a simulated Nextcloud.
type cloud struct {
	*phoenixsim.Server
	at  *served
	dir string // the adapter's
}

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{Server: phoenixsim.New(phoenixsim.Options{Admin: "amtsbote", Password: password, Users: []string{"kfz", "leitung"}}), dir: t.TempDir()}
	c.at = serve(t, c.Server)
	t.Cleanup(c.Stop)
	write(t, c.dir, "passwort", password+"\n")
	return c
}

func order(t testing.TB, s *phoenixsim.Server, on string, do phoenixsim.Effect, times int) {
	t.Helper()
	if err := s.Order(phoenixsim.Order{On: on, Do: do, Times: times}); err != nil {
		t.Fatal(err)
	}
}

// holdsNobody finds what no notice may hold.
func holdsNobody(t testing.TB, text string) {
	t.Helper()
	for _, secret := range []string{"Zaunk", "Probstadt", "urn:test"} {
		if strings.Contains(text, secret) {
			t.Errorf("a notice holds %q: %q", secret, text)
		}
	}
}
