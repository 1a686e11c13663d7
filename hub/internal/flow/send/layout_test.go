package send

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// TestHeadersUsedAgain: copies whose headers were others' before are the same as those of a
// Sender that has made none, whatever came before them; so is what they weigh.
func TestHeadersUsedAgain(t *testing.T) {
	registry := registryOf(t, `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:amtsbote:schema:de.test.v1", "title": "T",
"type": "object", "additionalProperties": false, "x-nicht-personenbezogen": true, "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}`, `{"a":"1","b":"2"}`)
	r := rand.New(rand.NewPCG(1, 2))
	s := New(registry)
	for i := range 5000 {
		d, e := someDecision(r, i), someEvent(r, i)
		got, err := s.Copies(d, e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := New(registry).Copies(d, e)
		if err != nil {
			t.Fatal(err)
		}
		for k := range want {
			h := maps.Clone(got[k].Header)
			maps.DeleteFunc(h, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") }) // left by a chain
			if got[k].Subject != want[k].Subject || string(got[k].Data) != string(want[k].Data) || !maps.EqualFunc(h, want[k].Header, slices.Equal) {
				t.Fatalf("copy %d of event %d:\n%v\n%v", k, i, h, want[k].Header)
			}
			counted := event.Message{Subject: want[k].Subject, Header: want[k].Header}
			if got[k].Weight() != counted.Weight() {
				t.Fatalf("copy %d of event %d weighs %d, want %d", k, i, got[k].Weight(), counted.Weight())
			}
			said := event.Message{Subject: got[k].Subject, Header: got[k].Header}
			if in, seq := said.Of(); in != d.In || seq != d.Seq || got[k].KeyOf() != e.Key() {
				t.Fatalf("copy %d of event %d is said to be of %s %d, with the key %q, not %q", k, i, in, seq, got[k].KeyOf(), e.Key())
			}
			if in, seq := got[k].Of(); in != d.In || seq != d.Seq {
				t.Fatalf("copy %d of event %d is kept as one of %s %d", k, i, in, seq)
			}
			got[k].Header["Nats-Msg-Id"] = []string{"x"}
		}
		if i%3 > 0 { // others come to nothing
			Done(got)
			Done(got)
		}
	}
	if n := len(s.layouts.all); n > maxLayouts {
		t.Errorf("%d layouts are kept", n)
	}
}

func someDecision(r *rand.Rand, i int) *decision.Decision {
	d := &decision.Decision{In: "IN_alpha", Seq: uint64(i + 1), Type: "de.test.v1"}
	if r.IntN(2) == 0 {
		d.Receipt = "alpha.app"
	}
	for k := range 1 + r.IntN(3) {
		to := decision.Receiver{Application: fmt.Sprint("beta.", k), Agreement: fmt.Sprint("regel-", r.IntN(5)), Confirm: r.IntN(3) == 0}
		if r.IntN(3) == 0 {
			to.Expires = time.Unix(int64(r.IntN(1e9)), 0)
		}
		if r.IntN(3) == 0 {
			to.Fields = []string{"/a"}
		}
		d.Receivers = append(d.Receivers, to)
	}
	return d
}

func someEvent(r *rand.Rand, i int) *event.Event {
	e := &event.Event{
		Message: &event.Message{Data: fmt.Appendf(nil, `{"a":"%d","b":"2"}`, i)}, JSON: true, Structured: r.IntN(4) == 0,
	}
	e.Data = e.Message.Data
	for _, name := range []string{"specversion", "id", "source", "type", "subject", "time", "correlationid", "causationid", "ags", "traceparent", "tracestate", "dataref", "strange"} {
		if r.IntN(4) > 0 {
			e.Attributes = append(e.Attributes, event.Attribute{Name: name, Value: fmt.Sprint(name, " ä ", r.IntN(1000))})
		}
	}
	if r.IntN(2) == 0 {
		e.Attributes = append(e.Attributes, event.Attribute{Name: "datacontenttype", Value: "application/json"})
	}
	e.Fix()
	return e
}

// registryOf is one with the type de.test.v1 alone; data fits its schema.
func registryOf(t *testing.T, schema, data string) *schemas.Registry {
	t.Helper()
	files := fstest.MapFS{
		"de.test.v1/schema.json":  {Data: []byte(schema)},
		"de.test.v1/invalid.json": {Data: []byte(`{"1.json":{"pointer":"","keyword":"type"},"2.json":{"pointer":"","keyword":"type"},"3.json":{"pointer":"","keyword":"type"}}`)},
	}
	for i := 1; i <= 3; i++ {
		files[fmt.Sprintf("de.test.v1/valid/%d.json", i)] = &fstest.MapFile{Data: []byte(data)}
		files[fmt.Sprintf("de.test.v1/invalid/%d.json", i)] = &fstest.MapFile{Data: []byte("1")}
	}
	registry, errs := (&schemas.Registry{}).With(files)
	if errs != nil {
		t.Fatal(errs)
	}
	return registry
}
