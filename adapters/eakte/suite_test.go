package eakte_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/eakte"
	"github.com/amtsbote/amtsbote/hub"
)

// The sink of the suite files: each effect is an Eingang with its procedure.
func TestSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: destination, Patience: patience})
}

func destination(t testing.TB) adaptertest.Destination {
	t.Helper()
	o := newOffice(t)
	another := probe(900, "900", `{"antrag":{"id":"Zaunkönig-4711"},"art":"a"}`)
	another.SetType("de.probe.anders.v1")
	timeless := probe(901, "901", `{"antrag":{"id":"Zaunkönig-4711"},"art":"a"}`)
	timeless.SetTime(time.Time{})
	return adaptertest.Destination{
		Sink:  o.sink,
		Event: func(n int) hub.Event { return filed(n, fmt.Sprint(n), fmt.Sprint("art-", n%3)) },
		Unmappable: []hub.Event{
			{},
			another,
			timeless,
			probe(902, "902", `{"antrag":{"id":"Zaunkönig-4711"}}`),
			probe(903, "903", `{"antrag":{"id":["Zaunkönig-4711"]},"art":"a"}`),
			probe(904, "904", `"Zaunkönig-4711`),
		},
		Blobs: content,
		Effects: func() (all []string, err error) {
			for _, x := range o.sim.Objects("incomings") {
				all = append(all, x.Fields["foreignnr"]+" "+x.COO)
			}
			return all, nil
		},
		Down: func() (func() error, error) {
			o.away.Store(true)
			return func() error { o.away.Store(false); return nil }, nil
		},
	}
}

// The source of the suite publishes what the sink has left.
func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: origin, PerKey: true, Patience: patience})
}

func origin(t testing.TB) adaptertest.Origin {
	t.Helper()
	o := newOffice(t)
	if _, err := o.source(); err != nil { // makes the folders
		t.Fatal(err)
	}
	dir := filepath.Join(o.dir, "eakte", "antworten")
	put := func(name string, raw []byte) error {
		temp := filepath.Join(dir, "."+name)
		if err := os.WriteFile(temp, raw, 0o600); err != nil {
			return err
		}
		return os.Rename(temp, filepath.Join(dir, "in", name))
	}
	bad := func(name, raw string) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error { return put(name+".json", []byte(raw)) }}
	}
	return adaptertest.Origin{
		Source: o.source,
		Input: func(n int) adaptertest.Input {
			e := cloudevents.New()
			e.SetID(fmt.Sprintf("antwort-%d", n))
			e.SetSource(eventSource)
			e.SetType(eakte.TypeDokument)
			e.SetSubject(fmt.Sprintf("vorgang-%d", n))
			_ = e.SetData("application/json", map[string]string{"coo": "COO.1.2301.1.1"})
			raw, err := json.Marshal([]hub.Event{e})
			return adaptertest.Input{
				Want: []adaptertest.Want{{EventRef: hub.EventRef{Source: eventSource, ID: e.ID(), Type: e.Type()}}},
				Put:  func() error { return cmpErr(err, put(fmt.Sprintf("a%03d.json", n), raw)) },
			}
		},
		Bad: []adaptertest.Input{bad("x1", "{}"), bad("x2", "[]"), bad("x3", `[{"specversion":"1.0"}]`), bad("x4", `"`)},
		SetAside: func() (all []string, err error) {
			files, err := filepath.Glob(filepath.Join(dir, "error", "*.fehler.json"))
			for _, f := range files {
				raw, err := os.ReadFile(f)
				if err != nil {
					return nil, err
				}
				all = append(all, string(raw))
			}
			return all, err
		},
	}
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
