package disclose_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/schemas"
)

// shape is a random schema of which instances can be made.
type shape struct {
	kind   string // object, array, or a scalar
	fields []field
	item   *shape
	marks  map[string]any
	ref    bool   // behind a $ref to a definition
	narrow string // "": not; else a required name, beside the $ref or in an allOf
}

type field struct {
	name     string
	required bool
	shape    *shape
}

var names = []string{"a", "b", "c/d", "e~f", "ä"}

func drawObject(t *rapid.T, depth int) *shape {
	s := &shape{kind: "object"}
	for _, name := range names {
		if rapid.IntRange(0, 2).Draw(t, "has") > 0 {
			s.fields = append(s.fields, field{name, rapid.Bool().Draw(t, "required"), drawShape(t, depth-1)})
		}
	}
	if len(s.fields) > 0 && rapid.Bool().Draw(t, "narrow") {
		s.narrow = s.fields[0].name
		s.fields[0].required = true
	}
	return s
}

func drawShape(t *rapid.T, depth int) *shape {
	kinds := []string{"string", "number", "boolean", "maybe"}
	if depth > 0 {
		kinds = append(kinds, "object", "object", "array")
	}
	s := &shape{kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch s.kind {
	case "object":
		s = drawObject(t, depth)
	case "array":
		s.item = drawShape(t, depth-1)
	}
	if len(s.fields) == 0 && s.item == nil {
		mark := rapid.SampledFrom([]string{"x-datenkategorie", "x-sperre", "x-nicht-personenbezogen"}).Draw(t, "mark")
		s.marks = map[string]any{mark: "marke"}
		if mark == "x-nicht-personenbezogen" {
			s.marks[mark] = true
		}
	}
	s.ref = rapid.IntRange(0, 3).Draw(t, "ref") == 0
	return s
}

func (s *shape) schema(defs map[string]any) map[string]any {
	out := map[string]any{"type": s.kind}
	for k, v := range s.marks {
		out[k] = v
	}
	switch s.kind {
	case "maybe":
		out["type"] = []string{"string", "null"}
	case "array":
		out["items"] = s.item.schema(defs)
	case "object":
		s.object(out, defs)
	}
	if !s.ref {
		return out
	}
	name := fmt.Sprintf("d%d", len(defs))
	defs[name] = out
	ref := map[string]any{"$ref": "#/$defs/" + name}
	if s.narrow != "" {
		ref["required"] = []string{s.narrow}
	}
	return ref
}

func (s *shape) object(out, defs map[string]any) {
	props, required := map[string]any{}, []string{}
	for _, f := range s.fields {
		props[f.name] = f.shape.schema(defs)
		if f.required {
			required = append(required, f.name)
		}
	}
	out["properties"], out["required"], out["additionalProperties"] = props, required, false
	if s.narrow != "" {
		typed := map[string]any{"type": []string{"object", "array", "string", "number", "boolean", "null"}}
		if k := s.fields[0].shape.kind; k == "object" || k == "array" {
			typed = map[string]any{"type": k}
		}
		out["allOf"] = []any{map[string]any{"properties": map[string]any{s.narrow: typed}, "required": []string{s.narrow}}}
	}
}

// text writes a random instance, with odd but legal spelling.
func (s *shape) text(t *rapid.T, b *strings.Builder) {
	space := func() { b.WriteString(rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space")) }
	space()
	switch s.kind {
	case "string", "maybe":
		choice := []string{`""`, `"12.50"`, `"\u00e4\/\n"`, `"}\\"`, `"ö,"`}
		if s.kind == "maybe" {
			choice = append(choice, "null")
		}
		b.WriteString(rapid.SampledFrom(choice).Draw(t, "string"))
	case "number":
		b.WriteString(rapid.SampledFrom([]string{"12.50", "-0", "1e2", "9007199254740993", "0.10"}).Draw(t, "number"))
	case "boolean":
		b.WriteString(rapid.SampledFrom([]string{"true", "false"}).Draw(t, "boolean"))
	case "array":
		b.WriteByte('[')
		for i := range rapid.IntRange(0, 3).Draw(t, "items") {
			if i > 0 {
				b.WriteByte(',')
			}
			s.item.text(t, b)
		}
		space()
		b.WriteByte(']')
	case "object":
		s.members(t, b, space)
	}
	space()
}

func (s *shape) members(t *rapid.T, b *strings.Builder, space func()) {
	b.WriteByte('{')
	comma := ""
	for _, f := range rapid.Permutation(s.fields).Draw(t, "order") {
		if !f.required && rapid.Bool().Draw(t, "absent") {
			continue
		}
		b.WriteString(comma)
		comma = ","
		space()
		name, _ := json.Marshal(f.name)
		if f.name == "ä" && rapid.Bool().Draw(t, "escaped") {
			name = []byte(`"\u00e4"`)
		}
		b.Write(name)
		space()
		b.WriteByte(':')
		f.shape.text(t, b)
	}
	space()
	b.WriteByte('}')
}

// leaves lists "pointer raw" of all scalars, array indices left out, in order.
func leaves(t *rapid.T, data []byte) []string {
	var out []string
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		kind := d.PeekKind()
		if kind == '{' || kind == '[' || kind == '}' || kind == ']' {
			if _, err := d.ReadToken(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		v, err := d.ReadValue()
		if err != nil {
			return out
		}
		if k, n := d.StackIndex(d.StackDepth()); k == '{' && n%2 == 1 {
			continue // a name
		}
		out = append(out, path(d)+" "+string(v))
	}
}

// path is the decoder's place without array indices.
func path(d *jsontext.Decoder) string {
	tokens := strings.Split(string(d.StackPointer()), "/")[1:]
	p := ""
	for i, tok := range tokens {
		if k, _ := d.StackIndex(i + 1); k == '{' {
			p += "/" + tok
		}
	}
	return p
}

// TestCutProperty: for random schemas, instances and pointers the cut is valid
// against the derived schema, and its leaves are exactly those disclosed, byte
// for byte and in order.
func TestCutProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root := drawObject(t, 3)
		defs := map[string]any{}
		doc := root.schema(defs)
		doc["$schema"], doc["$id"], doc["title"] = "https://json-schema.org/draft/2020-12/schema", schemas.IDPrefix+"de.test.v1", "Test"
		if len(defs) > 0 {
			doc["$defs"] = defs
		}
		raw, _ := json.MarshalIndent(doc, "", " ")
		s, errs := (&schemas.Registry{}).Admit("de.test.v1", "schema.json", raw)
		if errs != nil {
			t.Fatalf("%v\n%s", errs, raw)
		}
		var b strings.Builder
		root.text(t, &b)
		data := []byte(b.String())
		if v := s.Validate(parse(t, data)); v != nil {
			t.Fatalf("instance: %v\n%s\n%s", v, raw, data)
		}
		var pointers []string
		for _, f := range s.Fields() {
			if rapid.IntRange(0, 3).Draw(t, "disclose") == 0 {
				pointers = append(pointers, f.Pointer)
			}
		}
		cut, errs := disclose.Plan(s, pointers)
		if errs != nil {
			t.Fatalf("plan %v: %v\n%s", pointers, errs, raw)
		}
		checkCut(t, s, cut, pointers, data)
	})
}

func checkCut(t *rapid.T, s *schemas.Schema, cut *disclose.Cut, pointers []string, data []byte) {
	got, err := cut.Apply(data)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(cut.DataSchema(), bytes.NewReader(cut.Schema())); err != nil {
		t.Fatal(err)
	}
	derived, err := c.Compile(cut.DataSchema())
	if err != nil {
		t.Fatalf("%v\n%s", err, cut.Schema())
	}
	if err := derived.Validate(parse(t, got)); err != nil {
		t.Fatalf("%v\ncut %s\nof %s\nschema %s", err, got, data, cut.Schema())
	}
	personal := false
	for _, f := range s.Fields() {
		personal = personal || f.Leaf && f.Datenkategorie != "" && under(pointers, f.Pointer)
	}
	if personal {
		for _, b := range s.Sperren {
			pointers = append(pointers, b.Pointer)
		}
	}
	want := slices.DeleteFunc(leaves(t, data), func(leaf string) bool {
		pointer, _, _ := strings.Cut(leaf, " ")
		return !under(pointers, pointer)
	})
	if !slices.Equal(leaves(t, got), want) {
		t.Fatalf("cut to %v\n got %q\nwant %q\nfrom %s", pointers, got, want, data)
	}
}

func under(parents []string, pointer string) bool {
	return slices.ContainsFunc(parents, func(p string) bool { return pointer == p || strings.HasPrefix(pointer, p+"/") })
}

func parse(t *rapid.T, data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}
