package okkomm_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkommsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

func uuidOf(n int) string { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n) }

// middleware is the simulated OK.KOMM, which can be away.
type middleware struct {
	*okkommsim.Server
	url  string
	away atomic.Bool
}

func newMiddleware(t testing.TB) *middleware {
	t.Helper()
	m := &middleware{Server: okkommsim.New("ags:09000009", "BayBIS (Simulator)")}
	handler := m.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.away.Load() {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

func (m *middleware) settings(more string) string {
	return fmt.Sprintf(`{dir: antworten, poll: 1ms, source: 'urn:de:dvdv:', xoevservice: {url: '%s/services/XoevService', frist: 5s}, komservice: {url: '%s/services/KomService', frist: 5s}%s}`,
		m.url, m.url, more)
}

const abholen = `, abholen: {alle: 2ms, verfahren: EWO, typ: WEBWAHLSCHEIN, ausfuehrung: ABRUFEN, ziel-ags: '09000011', suche: [{name: MANDANTENANFRAGE}]}`

// message is a generic XÖV message that KomService could hold.
func message(n int) []byte {
	return fmt.Appendf(nil, `<x:fortschreibung.probe.0999 xmlns:x="http://www.osci.de/xmeld2511a" produkt="P" produkthersteller="H" standard="XMeld" version="25.11a">
 <nachrichtenkopf.g2g><identifikation.nachricht><nachrichtenUUID>%s</nachrichtenUUID><nachrichtentyp><code>0999</code></nachrichtentyp>
 <erstellungszeitpunkt>2026-03-02T09:15:00</erstellungszeitpunkt></identifikation.nachricht>
 <leser><kennung>ags:09162000</kennung><name>L</name></leser><autor><kennung>ags:09999001</kennung><name>A</name></autor></nachrichtenkopf.g2g>
</x:fortschreibung.probe.0999>`, uuidOf(n))
}

// The source fetches from KomService as komservice-soap-request.xml does
// (WEBWAHLSCHEIN, ABRUFEN).
func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{PerKey: true, New: func(t testing.TB) adaptertest.Origin {
		dir, m := t.TempDir(), newMiddleware(t)
		return adaptertest.Origin{
			Source: func() (hub.Source, error) {
				return okkomm.Kind().Source(adaptertest.Env(dir), adaptertest.Settings(m.settings(abholen)))
			},
			Input: func(n int) adaptertest.Input {
				return adaptertest.Input{
					Put: func() error { m.LayOut(message(n)); return nil },
					Want: []adaptertest.Want{{EventRef: hub.EventRef{
						Source: "urn:de:dvdv:ags:09999001", ID: uuidOf(n), Type: "de.xoev.nachricht.v1",
					}}},
				}
			},
			Bad: []adaptertest.Input{
				{Name: "no XML", Put: func() error { m.LayOut([]byte("Sehr geehrte Damen und Herren")); return nil }},
				{Name: "no message", Put: func() error { m.LayOut([]byte("<brief/>")); return nil }},
				{Name: "no UUID", Put: func() error { m.LayOut([]byte(strings.Replace(string(message(1)), uuidOf(1), "eins", 1))); return nil }},
				{Name: "no author", Put: func() error { m.LayOut([]byte(strings.Replace(string(message(1)), "ags:09999001", "", 1))); return nil }},
			},
			SetAside: func() ([]string, error) { return reports(dir) },
		}
	}})
}

func reports(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "antworten", "error", "*.fehler.json"))
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

func original(content []byte) *xoev.Original {
	sum := sha256.Sum256(content)
	return &xoev.Original{
		Ref: "blob:" + base64.RawURLEncoding.EncodeToString(sum[:]), SHA256: hex.EncodeToString(sum[:]),
		Size: int64(len(content)), MediaType: "application/xml",
	}
}

func event(t testing.TB, n int, o *xoev.Original) hub.Event {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"original": o})
	if err != nil {
		t.Fatal(err)
	}
	e := cloudevents.New()
	e.SetID(uuidOf(n))
	e.SetSource("urn:de:dvdv:dbs:060030020000")
	e.SetType("de.xoev.nachricht.v1")
	e.SetExtension("correlationid", uuidOf(n))
	if err := e.SetData("application/json", raw); err != nil {
		t.Fatal(err)
	}
	return e
}

func ask(t testing.TB, n int) []byte {
	t.Helper()
	q, err := okkomm.WritePersonensuche(uuidOf(n), time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC), abruf(), profil())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// The sink asks XoevService as xoevservice-soap-request-1332.xml does; what it
// did is what was asked, and how many answers lie there.
func TestSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination {
		dir, m := t.TempDir(), newMiddleware(t)
		blobs := map[string][]byte{}
		keep := func(content []byte) *xoev.Original {
			o := original(content)
			blobs[o.Ref] = content
			return o
		}
		for n := range 100 {
			keep(ask(t, n))
		}
		statement := keep(message(901))
		return adaptertest.Destination{
			Sink: func() (hub.Sink, error) {
				return okkomm.Kind().Sink(adaptertest.Env(dir), adaptertest.Settings(m.settings("")))
			},
			Event: func(n int) hub.Event { return event(t, n, original(ask(t, n))) },
			Unmappable: []hub.Event{
				event(t, 900, nil),
				event(t, 901, statement),
				event(t, 902, keep([]byte("Zaunkönig"))),
			},
			Blobs: blobs,
			Effects: func() ([]string, error) {
				files, err := filepath.Glob(filepath.Join(dir, "antworten", "in", "*.xml"))
				return append(m.Asked(), files...), err
			},
			Down: func() (func() error, error) {
				m.away.Store(true)
				return func() error { m.away.Store(false); return nil }, nil
			},
		}
	}})
}

func run(t *testing.T, m *middleware, dir string) *adaptertest.Intake {
	t.Helper()
	src, err := okkomm.Kind().Source(adaptertest.Env(dir), adaptertest.Settings(m.settings("")))
	if err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	t.Cleanup(func() {
		cancel()
		if err := <-end; err != nil {
			t.Error(err)
		}
	})
	return in
}

// An event tells the blocks that stand in the message.
func TestBlocks(t *testing.T) {
	for inner, want := range map[string]string{
		"": "", "<p><verringerterDatenumfang>false</verringerterDatenumfang></p>": "",
		"<p><auskunftssperre><grund><code>1</code></grund></auskunftssperre></p>": `"sperren":{"auskunftssperre":true}`,
		"<p><verringerterDatenumfang>true</verringerterDatenumfang></p>":          `"sperren":{"auskunftssperre":true}`,
	} {
		dir, m := t.TempDir(), newMiddleware(t)
		m.LayOut([]byte(strings.Replace(string(message(1)), "</x:fort", inner+"</x:fort", 1)))
		src, err := okkomm.Kind().Source(adaptertest.Env(dir), adaptertest.Settings(m.settings(abholen)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		in, end := adaptertest.NewIntake(), make(chan error, 1)
		go func() { end <- src.Run(ctx, in) }()
		tick := time.NewTicker(time.Millisecond)
		for len(in.Events()) == 0 && ctx.Err() == nil {
			<-tick.C
		}
		tick.Stop()
		cancel()
		if err := <-end; err != nil || len(in.Events()) == 0 {
			t.Fatal("no event", err)
		}
		if data := string(in.Events()[0].Data()); !strings.Contains(data, want) || want == "" && strings.Contains(data, "sperren") {
			t.Errorf("%s: %s", inner, data)
		}
	}
}

// A receipt asks nothing; a test is not asked in production, whether the event says so
// or its message.
func TestWhatIsNotAsked(t *testing.T) {
	m, env := newMiddleware(t), adaptertest.Env(t.TempDir())
	env.Production = true
	sink, err := okkomm.Kind().Sink(env, adaptertest.Settings(m.settings("")))
	if err != nil {
		t.Fatal(err)
	}
	receipt := event(t, 1, nil)
	receipt.SetSource("urn:amtsbote:verbund")
	receipt.SetType("de.amtsbote.ereignis-abgelehnt.v1")
	if err := sink.Deliver(t.Context(), hub.Delivery{ID: "d-1", Event: receipt}); err != nil {
		t.Error(err)
	}
	marked := event(t, 2, original(ask(t, 2)))
	marked.SetExtension("xoevtest", "true")
	if err := sink.Deliver(t.Context(), hub.Delivery{ID: "d-2", Event: marked}); err == nil || hub.FaultOf(err).Code != "xoev-s999" {
		t.Error(err)
	}
	if n := len(m.Asked()); n != 0 {
		t.Errorf("asked %d times", n)
	}
}
