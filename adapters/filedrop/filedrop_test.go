package filedrop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/filedrop"
	"github.com/amtsbote/amtsbote/hub"
)

func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: newOrigin})
}

func TestSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: newDestination})
}

const settings = adaptertest.Settings("dir: drop\npoll: 2ms\nmax-bytes: 4096\n")

// origin is an application that drops files.
type origin struct {
	dir string
	n   int
}

func newOrigin(t testing.TB) adaptertest.Origin {
	t.Helper()
	o := &origin{dir: t.TempDir()}
	if _, err := o.source(); err != nil { // makes the directories
		t.Fatal(err)
	}
	return adaptertest.Origin{
		Source:   o.source,
		Input:    o.input,
		SetAside: o.setAside,
		Bad: []adaptertest.Input{
			o.bad("no JSON", `{"specversion":"1.0"`),
			o.bad("no event", `{"id":"1"}`),
			o.bad("a name twice", `{"specversion":"1.0","id":"1","id":"2","source":"urn:test:a","type":"de.test.v1"}`),
			o.bad("two events", good("1", "{}")+good("2", "{}")),
			o.bad("a batch", "["+good("1", "{}")+"]"),
			o.bad("empty", ""),
			o.bad("too large", good("1", `"`+strings.Repeat("x", 4096)+`"`)),
			{Name: "a link", Put: func() error { return os.Symlink("/etc/hostname", o.next()) }},
		},
	}
}

func (o *origin) source() (hub.Source, error) {
	return filedrop.Kind().Source(adaptertest.Env(o.dir), settings)
}

// next is a name that sorts behind those before, since the clock of a file
// system may be coarse.
func (o *origin) next() string {
	o.n++
	return filepath.Join(o.dir, "drop", "in", fmt.Sprintf("%04d.json", o.n))
}

func (o *origin) put(content string) func() error {
	return func() error {
		name := o.next()
		if err := os.WriteFile(name+".part", []byte(content), 0o600); err != nil {
			return err
		}
		return os.Rename(name+".part", name)
	}
}

func (o *origin) bad(name, content string) adaptertest.Input {
	return adaptertest.Input{Name: name, Put: o.put(content)}
}

func good(id, data string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"urn:test:a","type":"de.test.geschehen.v1",` +
		`"correlationid":"vorgang","datacontenttype":"application/json","data":` + data + `}`
}

func (o *origin) input(n int) adaptertest.Input {
	id, data := fmt.Sprintf("ereignis-%d", n), `{ "betrag" : 12.50, "b":1, "a":2 }`
	want := event.New()
	want.SetID(id)
	want.SetSource("urn:test:a")
	want.SetType("de.test.geschehen.v1")
	want.SetExtension("correlationid", "vorgang")
	want.SetDataContentType("application/json")
	want.DataEncoded = []byte(data)
	return adaptertest.Input{Put: o.put(good(id, data)), Want: []adaptertest.Want{adaptertest.Exactly(want)}}
}

func (o *origin) setAside() ([]string, error) {
	reports, err := filepath.Glob(filepath.Join(o.dir, "drop", "error", "*.fehler.json"))
	if err != nil {
		return nil, err
	}
	var reasons []string
	for _, name := range reports {
		if _, err := os.Lstat(strings.TrimSuffix(name, ".fehler.json")); err != nil {
			continue // the file follows its report
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var report struct{ Code string }
		if err := json.Unmarshal(b, &report); err != nil {
			return nil, err
		}
		reasons = append(reasons, report.Code)
	}
	return reasons, nil
}

func newDestination(t testing.TB) adaptertest.Destination {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "drop", "out")
	noType := outgoing(1)
	noType.SetType(" ")
	noJSON := outgoing(1)
	noJSON.DataEncoded = []byte(`{"name":"Erika Mustermann"`)
	twice := outgoing(1)
	twice.DataEncoded = []byte(`{"name":"Erika Mustermann","name":"Max Mustermann"}`)
	return adaptertest.Destination{
		Sink: func() (hub.Sink, error) {
			return filedrop.Kind().Sink(adaptertest.Env(dir), settings)
		},
		Event:      outgoing,
		Unmappable: []hub.Event{noType, noJSON, twice, {}},
		Effects:    func() ([]string, error) { return contents(out) },
		Down: func() (func() error, error) {
			away := out + "-away"
			return func() error { return os.Rename(away, out) }, os.Rename(out, away)
		},
	}
}

func outgoing(n int) hub.Event {
	e := event.New()
	e.SetID(fmt.Sprintf("0190d5a0-0000-7000-8000-%012d", n))
	e.SetSource("urn:test:register")
	e.SetType("de.test.geschehen.v1")
	e.SetSubject(fmt.Sprint(n))
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(`{"betrag": 12.50}`)
	return e
}

func contents(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		b, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, entry.Name()+" "+string(b))
	}
	return all, nil
}

func TestSettingsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"poll: 1s\n":          "dir: the drop folder's directory is missing",
		"dir: a\npoll: 0s\n":  "poll: must be at least 1ms",
		"dir: a\nfarbe: rot":  "field farbe not found",
		"dir: a\nout: ../b\n": "out: must be a path inside dir",
	} {
		_, sourceErr := filedrop.Kind().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(text))
		_, sinkErr := filedrop.Kind().Sink(adaptertest.Env(t.TempDir()), adaptertest.Settings(text))
		for _, err := range []error{sourceErr, sinkErr} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
		}
	}
}

func TestReadersTakeWhatSinksWrite(t *testing.T) {
	dir := t.TempDir()
	sink, err := filedrop.Kind().Sink(adaptertest.Env(dir), settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Deliver(t.Context(), hub.Delivery{ID: "d", Attempt: 1, Event: outgoing(1)}); err != nil {
		t.Fatal(err)
	}
	got, err := contents(filepath.Join(dir, "drop", "out"))
	want := `de.test.geschehen.v1_0190d5a0-0000-7000-8000-000000000001.json ` +
		`{"specversion":"1.0","id":"0190d5a0-0000-7000-8000-000000000001","source":"urn:test:register",` +
		`"type":"de.test.geschehen.v1","subject":"1","datacontenttype":"application/json","data":{"betrag": 12.50}}` + "\n"
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("out/ holds %q (%v)\nwant %q", got, err, want)
	}
}

// TestSameIDFromTwoSources: ids are unique per source only, and both events may
// be of one type.
func TestSameIDFromTwoSources(t *testing.T) {
	dir := t.TempDir()
	sink, err := filedrop.Kind().Sink(adaptertest.Env(dir), settings)
	if err != nil {
		t.Fatal(err)
	}
	first, second := outgoing(1), outgoing(1)
	second.SetSource("urn:test:another")
	deliver := func() {
		t.Helper()
		for id, e := range map[string]hub.Event{"d1": first, "d2": second} {
			if err := sink.Deliver(t.Context(), hub.Delivery{ID: id, Attempt: 1, Event: e}); err != nil {
				t.Fatal(err)
			}
		}
	}
	out := filepath.Join(dir, "drop", "out")
	deliver()
	before, err := contents(out)
	if err != nil || len(before) != 2 {
		t.Fatalf("out/ holds %q (%v), want two files", before, err)
	}
	taken, _, _ := strings.Cut(before[0], " ")
	deliver()
	if after, err := contents(out); err != nil || len(after) != 2 {
		t.Errorf("after a repetition out/ holds %q (%v)", after, err)
	}
	if err := os.Remove(filepath.Join(out, taken)); err != nil {
		t.Fatal(err)
	}
	deliver()
	if after, err := contents(out); err != nil || len(after) != 2 {
		t.Errorf("after one was taken out/ holds %q (%v), want that one again and no third", after, err)
	}
}

func TestAnEndedContextWritesNothing(t *testing.T) {
	d := newDestination(t)
	sink, err := d.Sink()
	if err != nil {
		t.Fatal(err)
	}
	ctx := ended(t)
	if err := sink.Deliver(ctx, hub.Delivery{ID: "d", Attempt: 1, Event: outgoing(1)}); !errors.Is(err, ctx.Err()) {
		t.Errorf("Deliver: %v", err)
	}
	if got, err := d.Effects(); err != nil || len(got) != 0 {
		t.Errorf("out/ holds %q (%v)", got, err)
	}
}

func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
