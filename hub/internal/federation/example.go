package federation

import (
	"bytes"
	"encoding/json"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// Example is an event beside the agreements, with what everybody is expected to
// get of it: agreements/<name>.example.yaml.
type Example struct {
	Title string
	// Event is a CloudEvent in the JSON format.
	Event []byte
	// At is when it comes; zero is now.
	At time.Time
	// Expect says, by application, which fields it gets; an application that is
	// not named gets nothing.
	Expect map[string]Expected
	// Place of the file and of the event in it.
	Place, EventAt finding.Pos
}

// Expected is what one application gets of an example.
type Expected struct {
	All     bool     // every field of the event
	Fields  []string // JSON Pointers; neither All nor Fields is nothing
	Place   finding.Pos
	Nothing bool
}

const exampleEnding = ".example"

func isExample(file string) bool { return strings.HasSuffix(stem(file), exampleEnding) }

type exampleFile struct {
	Title  strictyaml.Text         `yaml:"title,required"`
	At     strictyaml.Text         `yaml:"at"`
	Event  eventFile               `yaml:"event,required"`
	Expect map[string]expectedFile `yaml:"expect,required"`
}

// eventFile is an event, or the name of a JSON file beside the example.
type eventFile struct {
	file string
	json []byte
	at   finding.Pos
}

// FromNode reads the event as YAML or the name of its file.
func (e *eventFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	e.at = n.At
	switch n.Kind {
	case strictyaml.String:
		e.file = n.Text
	case strictyaml.Mapping:
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(jsonOf(n)); err != nil {
			d.Add(n.At, finding.YAMLValue, "JSON")
		}
		e.json = out.Bytes()
	default:
		d.Add(n.At, finding.YAMLValue, "{specversion: \"1.0\", …} | event.json")
	}
}

// jsonOf gives a node as what encodes to the same JSON.
func jsonOf(n *strictyaml.Node) any {
	switch n.Kind {
	case strictyaml.Mapping:
		out := make(map[string]any, len(n.Keys))
		for _, e := range n.Keys {
			out[e.Key] = jsonOf(e.Value)
		}
		return out
	case strictyaml.Sequence:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = jsonOf(item)
		}
		return out
	case strictyaml.Null:
		return nil
	case strictyaml.Boolean:
		return strings.EqualFold(n.Text, "true")
	case strictyaml.Integer, strictyaml.Float:
		return json.Number(n.Text)
	}
	return n.Text
}

type expectedFile struct{ Expected }

// FromNode reads all, nothing, or a list of pointers.
func (e *expectedFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	e.Place = n.At
	switch {
	case n.Kind == strictyaml.String && n.Text == "all":
		e.All = true
	case n.Kind == strictyaml.String && n.Text == "nothing":
		e.Nothing = true
	case n.Kind == strictyaml.Sequence && len(n.Items) > 0:
		d.Into(n, reflect.ValueOf(&e.Fields).Elem(), "")
	default:
		d.Add(n.At, finding.YAMLValue, "all | nothing | [/person/name, …]")
	}
}

// example takes over an example; it is tried by package who, once all agreements
// are compiled.
func (b *builder) example(file string, in *exampleFile) {
	e := &Example{
		Title: in.Title.Value, Event: in.Event.json, Expect: map[string]Expected{},
		Place: finding.Pos{File: file, Line: 1, Column: 1}, EventAt: in.Event.at,
	}
	if in.At.Value != "" {
		var err error
		if e.At, err = time.Parse(time.RFC3339, in.At.Value); err != nil {
			b.Add(in.At.At, finding.YAMLValue, "2026-01-31T12:00:00+01:00")
		}
	}
	if in.Event.file != "" {
		raw, ok := b.fed.files.files[path.Join(path.Dir(file), in.Event.file)]
		if !ok {
			b.Add(in.Event.at, finding.DirUnreadable, in.Event.file)
			return
		}
		e.Event = raw
	}
	for id, want := range in.Expect {
		if b.fed.applications[id] == nil && want.Place.Line > 0 {
			b.Add(want.Place, finding.ExmName, id)
		}
		e.Expect[id] = want.Expected
	}
	b.fed.Examples = append(b.fed.Examples, e)
}
