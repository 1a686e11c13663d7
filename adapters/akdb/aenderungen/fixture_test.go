package aenderungen_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/aenderungen"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/hub"
)

const eventSource = "urn:de:ags:09162000:system:ok-ewo"

// city is the simulated register with its feed, and the folder of an adapter.
type city struct {
	dir      string
	feed     *ewosim.Feed
	register *ewosim.Register
	url      string
	logs     *observer.ObservedLogs
	log      *zap.Logger
	last     string // id of the event that the last record becomes
}

func (c *city) announce(t testing.TB, value string) error {
	rec, err := c.feed.Announce(t.Context(), value)
	if err == nil {
		c.last = aenderungen.EventID("amtsbote-ewosim", rec)
	}
	return err
}

func newCity(t testing.TB, recorded bool) *city {
	t.Helper()
	c := &city{dir: t.TempDir()}
	var err error
	if c.feed, err = ewosim.OpenFeed(0, "lhm-ewo-eai-aenderungen-probe", 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.feed.Close)
	c.register = ewosim.NewRegister(func(om string) error { return c.announce(t, om) })
	facade := &ewosim.Facade{Register: c.register, Recorded: recorded, User: "amtsbote", Password: "probe"}
	server := httptest.NewServer(facade.Handler())
	t.Cleanup(server.Close)
	c.url = server.URL + ewosim.BasePath
	c.write(t, "geheimnis", strings.Repeat("k", 32))
	c.write(t, "passwort", "probe")
	core, logs := observer.New(zap.DebugLevel)
	c.logs, c.log = logs, zap.New(core)
	return c
}

func (c *city) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (c *city) settings(anreichern string) string {
	return fmt.Sprintf(`{source: '%s', ags: '09162000', dataref: 'https://ewo.example.org/person/{vorgang}', anreichern: %s,
 geheimnis: geheimnis, abgelegt: abgelegt, warten: 1ms, hoechstens: 5ms, versuche: 3,
 kafka: {broker: ['%s'], klartext: true},
 register: {url: '%s', benutzer: amtsbote, passwort: passwort, benutzerid: '8', frist: 5s}}`,
		eventSource, anreichern, c.feed.Broker(), c.url)
}

func (c *city) source(yaml string) (hub.Source, error) {
	env := adaptertest.Env(c.dir)
	env.Log = c.log
	return aenderungen.Kind().Source(env, adaptertest.Settings(yaml))
}

func (c *city) reports() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(c.dir, "abgelegt", "*.fehler.json"))
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

func om(n int) string { return fmt.Sprintf("162015%06d", n) }

// resident is a person as the Swagger has it; street tells versions apart.
func resident(n int, street, more string) []byte {
	return fmt.Appendf(nil, `{"ordnungsmerkmal":"%s","personstatus":"AKTUELLER_FESTER_EINWOHNER","religion":"rk",
 "geburtsdaten":{"datum":{"jahrMonat":"1985-08"},"ort":"Probstadt"},
 "namen":{"vornamen":[{"vorname":"Ottilie","rufname":true}],"familienname":{"name":"Zaunkönig"}},
 "wohnungen":[{"_type":"AktuelleWohnungType","nutzungszustand":"EINZIGE_WOHNUNG","einzug":"2020-04-09",
  "melderegisterAnschrift":{"gemeindeschluessel":"09162000","strasse":"%s","hausnummer":"12","postleitzahl":"80331","ort":"München","sperrvermerk":false}}],
 "staatsangehoerigkeiten":[{"schluessel":"000","text":"deutsch"}]%s}`, om(n), street, more)
}

// listening runs a source until the test ends; stop ends it earlier.
func (c *city) listen(t *testing.T, in *adaptertest.Intake, yaml string) (stop func()) {
	t.Helper()
	src, err := c.source(yaml)
	if err != nil {
		t.Fatal(err)
	}
	return adaptertestRun(t, src, in)
}

// until waits for something that gives no notice.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("not within two minutes: " + what)
		case <-tick.C:
		}
	}
}

func events(t *testing.T, in *adaptertest.Intake, n int) []hub.Event {
	t.Helper()
	until(t, fmt.Sprintf("%d events", n), func() bool { return len(in.Events()) >= n })
	if got := len(in.Events()); got > n {
		t.Fatalf("%d events, want %d", got, n)
	}
	return in.Events()
}
