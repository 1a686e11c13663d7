package open311_test

import (
	"context"
	"encoding/json"
	"errors"
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
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

const (
	portalSource  = "urn:de:ags:09162000:system:meldeportal"
	foreignSource = "urn:de:ags:09184000:system:maengel"
	patience      = 2 * time.Minute
)

// town is a GeoReport server with an adapter's folder.
type town struct {
	*open311sim.Server

	url  string
	dir  string
	down atomic.Bool
	logs *observer.ObservedLogs
	log  *zap.Logger
}

func newTown(t testing.TB, set open311sim.Settings) *town {
	t.Helper()
	set.Services = append(set.Services, open311sim.Service{Code: "schlagloch", Name: "Schlagloch"},
		open311sim.Service{Code: "licht", Name: "Beleuchtung"}, open311sim.Service{Code: "?!", Name: "Ohne Schlüssel"})
	set.Key = "geheim-zaunkoenig"
	c := &town{Server: open311sim.New(set), dir: t.TempDir()}
	play := c.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.down.Load() {
			panic(http.ErrAbortHandler)
		}
		play.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL + open311sim.Base
	core, logs := observer.New(zapcore.DebugLevel)
	c.log, c.logs = zap.New(core), logs
	if err := os.WriteFile(filepath.Join(c.dir, "key"), []byte("geheim-zaunkoenig\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *town) env() hub.Env {
	env := adaptertest.Env(c.dir)
	env.Log = c.log
	return env
}

// settings are those of a mode, with more lines.
func (c *town) settings(mode string, more ...string) adaptertest.Settings {
	source := map[string]string{"portal": portalSource, "forward": foreignSource}[mode]
	return adaptertest.Settings(fmt.Sprintf("mode: %s\nurl: %s\nsource: %s\ndir: o\npoll: 5ms\napi-key-file: key\n%s\n",
		mode, c.url, source, strings.Join(more, "\n")))
}

// anyRate lets tests call as often as they like.
const anyRate = "details: {per-minute: 0}"

func (c *town) source(t testing.TB, s adaptertest.Settings) hub.Source {
	t.Helper()
	src, err := open311.Kind().Source(c.env(), s)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func (c *town) sink(t testing.TB, s adaptertest.Settings) hub.Sink {
	t.Helper()
	sink, err := open311.Kind().Sink(c.env(), s)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// reports gives the texts of what was set aside.
func (c *town) reports() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(c.dir, "o", "error", "*.fehler.json"))
	var out []string
	for _, f := range files {
		raw, err2 := os.ReadFile(f)
		var r struct{ Code, Text string }
		err = errors.Join(err, err2, json.Unmarshal(raw, &r))
		out = append(out, r.Code+": "+r.Text)
	}
	return out, err
}

// put brings a report in.
func (c *town) put(t testing.TB, r open311sim.Report) string {
	t.Helper()
	id, err := c.Put(r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (c *town) order(t testing.TB, f open311sim.Fault) {
	t.Helper()
	if err := c.Order(f); err != nil {
		t.Fatal(err)
	}
}

// citizen is somebody who must be seen nowhere but behind a reference.
var citizen = open311sim.Report{
	Service: "schlagloch", Description: "Tiefes Loch vor dem Gartentor, Ottilie Zaunkoenig", Lat: "48.13743", Long: "11.57549",
	Address: "Nussbaumweg 12", MediaURL: "http://127.0.0.1/zaunkoenig.jpg",
	Email: "ottilie@zaunkoenig.example", FirstName: "Ottilie", LastName: "Zaunkoenig", Phone: "0171 2345678",
}

// secrets are what must be nowhere.
var secrets = []string{"Zaunkoenig", "zaunkoenig", "Ottilie", "Gartentor", "Nussbaum", "2345678", "48.13743", "11.57549"}

// play runs a source until a number of events is there, and stops it.
func play(t testing.TB, src hub.Source, in *adaptertest.Intake, want int) []hub.Event {
	t.Helper()
	until(t, src, in, func() bool { return len(in.Events()) >= want })
	events := in.Events()
	if len(events) != want {
		t.Fatalf("%d events, want %d: %s", len(events), want, types(events))
	}
	return events
}

// until runs a source until done holds.
func until(t testing.TB, src hub.Source, in hub.Intake, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not happen")
		case <-tick.C:
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Fatalf("Run: %v", err)
	}
}

// rounds runs a source until the server was asked so many times more.
func (c *town) rounds(t testing.TB, src hub.Source, in hub.Intake, questions int) {
	t.Helper()
	before := len(c.Asked())
	until(t, src, in, func() bool { return len(c.Asked()) >= before+questions })
}

func types(events []hub.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(e.Type(), "de.maengel."), ".v1"))
	}
	return strings.Join(out, " ")
}

// dataOf is an event's data, once it was held against its schema.
func dataOf(t testing.TB, e hub.Event) map[string]any {
	t.Helper()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := registry.ByID(e.DataSchema())
	if !ok || schema.Type != e.Type() {
		t.Fatalf("no schema %s for %s", e.DataSchema(), e.Type())
	}
	var d map[string]any
	dec := json.NewDecoder(strings.NewReader(string(e.Data())))
	dec.UseNumber()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	if found := schema.Validate(map[string]any(d)); found != nil {
		t.Errorf("%s breaks its schema: %v\n%s", e.Type(), found, e.Data())
	}
	return d
}

// forwardEvent is an event by which a report is forwarded.
func forwardEvent(n int, data string) hub.Event {
	e := cloudevents.New()
	e.SetID(fmt.Sprintf("weiter-%d", n))
	e.SetSource("urn:de:ags:09162000:system:maengelstelle")
	e.SetType(open311.TypeForwarded)
	e.SetSubject(fmt.Sprintf("vorgang-%d", n))
	e.SetExtension(hub.AttrCorrelationID, fmt.Sprintf("vorgang-%d", n))
	if data == "" {
		data = fmt.Sprintf(`{"meldung":{"id":"%d-2026","kategorie":"schlagloch"},"zustaendig":{"kennung":"ags:09184000"},
			"beschreibung":"Loch %d in der Fahrbahn","ort":{"breite":48.2,"laenge":11.6},"weitergeleitet":"2026-10-06T08:00:00Z"}`, n, n)
	}
	if err := e.SetData("application/json", json.RawMessage(data)); err != nil {
		panic(err)
	}
	return e
}

func deliveryOf(n int, e hub.Event) hub.Delivery {
	return hub.Delivery{ID: fmt.Sprintf("In.org-1_%d", n), Attempt: 1, Agreement: "test", Event: e}
}
