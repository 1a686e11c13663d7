package personensuche_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
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

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkommsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/personensuche"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

const eventSource = "urn:de:ags:09162000:system:ok-ewo"

const asker = "urn:de:ags:09162000:system:owi"

// office is both registers, which can be away, and the folder of an adapter that asks
// one of them.
type office struct {
	bis      *okkommsim.Server
	register *ewosim.Register

	dir, url string
	way      string // part of the settings
	away     atomic.Bool
	calls    atomic.Int64
	mu       sync.Mutex
	asked    []string // bodies of the calls
}

const abruf = `abruf: {autor: {kennung: 'ags:09162000', name: KVR Probstadt, email: kvr@example.org,
  anschrift: {strasse: Rathausweg, hausnummer: '91', plz: '60000', ort: Probstadt}}, leser: {kennung: 'ags:{ags}', name: Meldebehörde},
  aktenzeichen: V-1, anlass: Probe, kennung: probe/1}`

func newOffice(t testing.TB, way string) *office {
	t.Helper()
	o := &office{bis: okkommsim.New("ags:09000009", "BayBIS (Simulator)"), register: ewosim.NewRegister(nil), dir: t.TempDir()}
	mux := http.NewServeMux()
	mux.Handle("/services/", o.bis.Handler())
	mux.Handle(ewosim.BasePath+"/", (&ewosim.Facade{Register: o.register, Recorded: true}).Handler())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.calls.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		o.mu.Lock()
		o.asked = append(o.asked, string(body))
		o.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if o.away.Load() {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o.url = server.URL
	o.way = fmt.Sprintf(`xoevservice: {url: '%s/services/XoevService', frist: 20s}, %s`, o.url, abruf)
	if way == "okewo" {
		o.way = fmt.Sprintf(`register: {url: '%s', benutzerid: '8', frist: 20s, ags: ['09162000']}`, o.url+ewosim.BasePath)
	}
	return o
}

func (o *office) settings() adaptertest.Settings {
	return adaptertest.Settings(fmt.Sprintf(`{source: '%s', fragesteller: '%s', dir: antworten, poll: 1ms, %s}`, eventSource, asker, o.way))
}

func (o *office) source() (hub.Source, error) {
	return personensuche.Kind().Source(adaptertest.Env(o.dir), o.settings())
}

func (o *office) sink() (hub.Sink, error) {
	return personensuche.Kind().Sink(adaptertest.Env(o.dir), o.settings())
}

// questions are the 1330 that came, oldest first.
func (o *office) questions(t *testing.T) (all []string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, body := range o.asked {
		q, _, err := okkomm.ReadRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(q))
	}
	return all
}

func familyName(n int) string { return fmt.Sprintf("Zaunkönig%d", n) }

// enter enters a person into both registers; blocked has a block that each shows in
// its way.
func (o *office) enter(t testing.TB, n int, name string, blocked bool) {
	t.Helper()
	more := ""
	if blocked {
		more = `,"sperren":[{"grund":"1"}]`
	}
	err := o.register.Put(fmt.Appendf(nil, `{"ordnungsmerkmal":"1620150%05d","personstatus":"AKTUELLER_FESTER_EINWOHNER","religion":"rk",
 "geburtsdaten":{"datum":{"datum":"1985-08-12"},"ort":"Probstadt"},"namen":{"vornamen":[{"vorname":"Ottilie"}],"familienname":{"name":"%s"}},
 "wohnungen":[{"_type":"AktuelleWohnungType","nutzungszustand":"EINZIGE_WOHNUNG","melderegisterAnschrift":{"gemeindeschluessel":"09162000",
 "strasse":"Nußbaumweg","hausnummer":"12","postleitzahl":"80331","ort":"München"}}]%s}`, n, name, more))
	if err != nil {
		t.Fatal(err)
	}
	err = o.bis.Put(okkommsim.Person{
		Familienname: name, Vornamen: "Ottilie", Geburtsdatum: "1985-08-12", AGS: "09162000", PLZ: "80331", Ort: "München",
		Strasse: "Nußbaumweg", Hausnummer: "12", Sperrvermerk: blocked,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sought is an event that asks for a person.
func sought(n int, data string) hub.Event {
	e := cloudevents.New()
	e.SetID(fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n))
	e.SetSource(asker)
	e.SetType(personensuche.TypeGesucht)
	e.SetTime(time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC))
	e.SetSubject(fmt.Sprintf("vorgang-%d", n))
	e.SetExtension("correlationid", fmt.Sprintf("fall-%d", n))
	if data == "" {
		data = fmt.Sprintf(`{"name":{"familienname":"%s","vornamen":"Ottilie"},"geburtsdatum":"1985-08-12","ags":"09162000"}`, familyName(n))
	}
	if err := e.SetData("application/json", []byte(data)); err != nil {
		panic(err)
	}
	return e
}

func delivery(n int, e hub.Event) hub.Delivery {
	return hub.Delivery{ID: fmt.Sprintf("IN_lhm-%d-lhm.auskunft", n), Attempt: 1, Agreement: "test", Event: e}
}

// answers runs a source until n events are stored.
func (o *office) answers(t *testing.T, in *adaptertest.Intake, n int) []hub.Event {
	t.Helper()
	src, err := o.source()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for (len(in.Events()) < n || len(o.lying(t, "in"))+len(o.lying(t, "work")) > 0) && ctx.Err() == nil {
		<-tick.C
	}
	cancel()
	if err := <-end; err != nil || len(in.Events()) != n {
		t.Fatalf("%d events, want %d: %v", len(in.Events()), n, err)
	}
	return in.Events()
}

func (o *office) lying(t testing.TB, sub string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.dir, "antworten", sub, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (o *office) reports() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(o.dir, "antworten", "error", "*.fehler.json"))
	var all []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		all = append(all, string(raw))
	}
	return all, err
}

// valid holds the data against the schema, and gives it but for the event that asked. It never has a register's
// own key of the person.
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
	if whole := e.String(); strings.Contains(whole, "1620150") || strings.Contains(whole, `"rk"`) {
		t.Errorf("more than was asked for: %s", whole)
	}
	of := fmt.Sprintf(`"anfrage":{"source":"%s","id":"%s"},`, asker, e.Extensions()["causationid"])
	if !strings.Contains(string(e.Data()), of) {
		t.Errorf("the answer does not say to what: %s", e.Data())
	}
	return strings.Replace(string(e.Data()), of, "", 1)
}
