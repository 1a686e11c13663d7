package eakte_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/eakte"
	"github.com/amtsbote/amtsbote/adapters/eakte/eaktesim"
	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

const (
	eventSource = "urn:de:ags:09162000:system:eakte"
	patience    = 2 * time.Minute
	plan        = "COO.1.2301.1.683"
)

// office is a simulated E-Akte that can be away, and the folder of an adapter.
type office struct {
	sim  *eaktesim.Server
	dir  string
	url  string
	away atomic.Bool
	logs *observer.ObservedLogs

	frist string
	log   *zap.Logger
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{sim: eaktesim.New(), dir: t.TempDir(), frist: "60s"}
	o.sim.User, o.sim.Password = "amtsbote", "probe-probe"
	handler := o.sim.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.away.Load() {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
	t.Cleanup(server.Close)
	o.url = server.URL + eaktesim.BasePath
	core, logs := observer.New(zapcore.DebugLevel)
	o.logs, o.log = logs, zap.New(core)
	if err := os.WriteFile(filepath.Join(o.dir, "passwort"), []byte("probe-probe"), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) settings() adaptertest.Settings {
	return adaptertest.Settings(fmt.Sprintf(`{source: '%s', dir: eakte, poll: 1ms, userlogin: amtsbote.dienst, jobposition: DocumentManager,
 eakte: {url: '%s', benutzer: amtsbote, passwort: passwort, frist: %s},
 ablage: [{typen: [de.probe.eingereicht.v1], akte: {aktenplan: '%s', titel: 'Proben {jahr} {/art}'},
  vorgang: {titel: 'Antrag {/antrag/id}'}, eingang: {titel: 'Eingang vom {tag}'}}]}`, eventSource, o.url, o.frist, plan))
}

func (o *office) env() hub.Env {
	env := adaptertest.Env(o.dir)
	env.Log = o.log
	return env
}

func (o *office) sink() (hub.Sink, error)     { return eakte.Kind().Sink(o.env(), o.settings()) }
func (o *office) source() (hub.Source, error) { return eakte.Kind().Source(o.env(), o.settings()) }

func (o *office) newSink(t *testing.T) hub.Sink {
	t.Helper()
	s, err := o.sink()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (o *office) order(t *testing.T, fault string) {
	t.Helper()
	var f simhttp.Fault
	if err := json.Unmarshal([]byte(fault), &f); err != nil {
		t.Fatal(err)
	}
	if err := o.sim.Order(f); err != nil {
		t.Fatal(err)
	}
}

// secrets must be in no log, error, answer or file of the adapter.
var secrets = []string{"Zaunkönig", "Zaunk", "probe-probe", "Ottilie"}

// discreet looks through all that the adapter has written anywhere.
func (o *office) discreet(t *testing.T, events ...hub.Event) {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(filepath.Join(o.dir, "eakte"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all.WriteString(path)
		all.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range o.logs.All() {
		fmt.Fprintln(&all, line.Message, line.ContextMap())
	}
	for _, e := range events {
		all.WriteString(e.String())
	}
	for _, secret := range secrets {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is written", secret)
		}
	}
}

// filed is an event of a case, with two documents.
func filed(n int, vorgang, art string) hub.Event {
	return probe(n, vorgang, fmt.Sprintf(`{"antrag":{"id":"antrag-%s"},"art":"%s","name":"Ottilie Zaunkönig","anlagen":[
 {"ref":"blob:plan","sha256":"%064d","size":9,"mediaType":"application/pdf","filename":"Lageplan Zaunkönig.pdf"},
 {"art":"foto","dokument":{"ref":"blob:foto","sha256":"%064d","size":9,"mediaType":"image/jpeg"}},{"ref":"blob:plan"}]}`, vorgang, art, 0, 0))
}

func probe(n int, vorgang, data string) hub.Event {
	e := cloudevents.New()
	e.SetID(fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n))
	e.SetSource("urn:de:ags:09162000:system:digiwf")
	e.SetType("de.probe.eingereicht.v1")
	e.SetTime(time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC))
	e.SetSubject("vorgang-" + vorgang)
	e.SetExtension("correlationid", "fall-"+vorgang)
	if err := e.SetData("application/json", []byte(data)); err != nil {
		panic(err)
	}
	return e
}

// blobs are the documents of events.
type blobs map[string][]byte

var content = blobs{"blob:plan": []byte("%PDF-1.7\n"), "blob:foto": []byte("\xff\xd8Zaunkönig")}

func (b blobs) Open(_ context.Context, ref string) (io.ReadCloser, error) {
	raw, there := b[ref]
	if !there {
		return nil, hub.Permanent("blob-missing", "open blob: it is not there")
	}
	return io.NopCloser(bytes.NewReader(raw)), nil
}

func delivery(n int, e hub.Event) hub.Delivery {
	return hub.Delivery{ID: fmt.Sprintf("IN_lhm-%d-lhm.eakte", n), Attempt: 1, Agreement: "test", Event: e, Blobs: content}
}

// state is how many files, procedures, incomings and contents there are.
func (o *office) state() string {
	return fmt.Sprintf("%d %d %d %d", len(o.sim.Objects("files")), len(o.sim.Objects("procedures")), len(o.sim.Objects("incomings")), len(o.sim.Objects("contents")))
}

// answers runs the source until n events are stored and no file is left.
func (o *office) answers(t *testing.T, in *adaptertest.Intake, n int) []hub.Event {
	t.Helper()
	src, err := o.source()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for (len(in.Events()) < n || len(o.lying(t)) > 0) && ctx.Err() == nil {
		<-tick.C
	}
	cancel()
	if err := <-end; err != nil || len(in.Events()) != n {
		t.Fatalf("%d events, want %d: %v", len(in.Events()), n, err)
	}
	for _, e := range in.Events() {
		valid(t, e)
	}
	return in.Events()
}

func (o *office) lying(t *testing.T) (all []string) {
	t.Helper()
	for _, sub := range []string{"in", "work"} {
		files, err := filepath.Glob(filepath.Join(o.dir, "eakte", "antworten", sub, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, files...)
	}
	return all
}

var catalogue = sync.OnceValues(schemas.Embedded)

func valid(t *testing.T, e hub.Event) {
	t.Helper()
	registry, err := catalogue()
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
		t.Errorf("%s breaks its schema: %v\n%s", e.Type(), found, e.Data())
	}
}
