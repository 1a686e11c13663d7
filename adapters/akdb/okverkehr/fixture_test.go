package okverkehr_test

import (
	"context"
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
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehr"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehrsim"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

const eventSource = "urn:de:ags:09162000:system:ok-verkehr"

const asker = "urn:de:ags:09162000:system:owi"

// garage is the simulated OK.VERKEHR, which can be away, and the folder of an
// adapter that asks it.
type garage struct {
	*okverkehrsim.Server

	dir, url string
	frist    string
	away     atomic.Bool
}

func newGarage(t testing.TB) *garage {
	t.Helper()
	g := &garage{Server: okverkehrsim.New(), dir: t.TempDir(), frist: "20s"}
	g.User, g.Password = "amtsbote", "probe"
	handler := g.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.away.Load() {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL + okverkehrsim.BasePath
	if err := os.WriteFile(filepath.Join(g.dir, "passwort"), []byte("probe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *garage) settings() string {
	return fmt.Sprintf(`{source: '%s', fragesteller: '%s', dir: antworten, poll: 1ms, kennzeichen: /fahrzeug/kennzeichen, stichtag: /tat/am,
 register: {url: '%s', benutzer: amtsbote, passwort: passwort, benutzerid: probe, verfahren: VES, frist: %s}}`, eventSource, asker, g.url, g.frist)
}

func (g *garage) source() (hub.Source, error) {
	return okverkehr.Kind().Source(adaptertest.Env(g.dir), adaptertest.Settings(g.settings()))
}

func (g *garage) sink() (hub.Sink, error) {
	return okverkehr.Kind().Sink(adaptertest.Env(g.dir), adaptertest.Settings(g.settings()))
}

func plateOf(n int) string { return fmt.Sprintf("M AA%d", 1000+n) }

// offence is an event that names a vehicle and a day.
func offence(n int, data string) hub.Event {
	e := cloudevents.New()
	e.SetID(fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n))
	e.SetSource(asker)
	e.SetType("de.owi.verstoss-festgestellt.v1")
	e.SetSubject(fmt.Sprintf("vorgang-%d", n))
	e.SetExtension("correlationid", fmt.Sprintf("fall-%d", n))
	if data == "" {
		data = fmt.Sprintf(`{"fahrzeug":{"kennzeichen":"%s"},"tat":{"am":"2026-03-02"}}`, plateOf(n))
	}
	if err := e.SetData("application/json", []byte(data)); err != nil {
		panic(err)
	}
	return e
}

func delivery(n int, e hub.Event) hub.Delivery {
	return hub.Delivery{ID: fmt.Sprintf("IN_lhm-%d-lhm.halterabfrage", n), Attempt: 1, Agreement: "test", Event: e}
}

// answers runs a source until n events are stored.
func (g *garage) answers(t *testing.T, in *adaptertest.Intake, n int) []hub.Event {
	t.Helper()
	src, err := g.source()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for (len(in.Events()) < n || len(g.lying(t, "in"))+len(g.lying(t, "work")) > 0) && ctx.Err() == nil {
		<-tick.C
	}
	cancel()
	if err := <-end; err != nil || len(in.Events()) != n {
		t.Fatalf("%d events, want %d: %v", len(in.Events()), n, err)
	}
	return in.Events()
}

func (g *garage) lying(t testing.TB, sub string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(g.dir, "antworten", sub, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (g *garage) reports() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(g.dir, "antworten", "error", "*.fehler.json"))
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

// valid holds the data against the schema, and gives it but for the event that asked.
func valid(t *testing.T, e hub.Event) string {
	t.Helper()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := registry.ByID(e.DataSchema())
	if !ok || schema.Type != e.Type() {
		t.Fatal("no schema for " + e.Type())
	}
	var doc any
	if err := json.Unmarshal(e.Data(), &doc); err != nil {
		t.Fatal(err)
	}
	if found := schema.Validate(doc); found != nil {
		t.Errorf("breaks its schema: %v\n%s", found, e.Data())
	}
	of := fmt.Sprintf(`"anfrage":{"source":"%s","id":"%s"},`, asker, e.Extensions()["causationid"])
	if !strings.Contains(string(e.Data()), of) {
		t.Errorf("the answer does not say to what: %s", e.Data())
	}
	return strings.Replace(string(e.Data()), of, "", 1)
}

func withPlate(plate, marks string) []byte {
	return []byte(strings.Replace(vehicle(marks), "M AA1000", plate, 1))
}
