package disclose_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
	"github.com/amtsbote/amtsbote/schemas"
)

// A hundred schemas, which is what rapid does by itself, miss too much.
func init() { _ = flag.Set("rapid.checks", "1500") }

// TestCutProperty: for random schemas, pointers and instances
//   - what Plan accepts is cut to exactly what is disclosed, byte for byte;
//   - the cut is valid against the derived schema, which is admissible and names
//     nothing that is not disclosed;
//   - Plan accepts where no rule looks at what is cut, and then the derived
//     schema is as strict about what remains as the whole one.
func TestCutProperty(t *testing.T) {
	raced.Alone(t)
	rapid.Check(t, cutProperty)
}

func cutProperty(rt *rapid.T) {
	t := &drawer{T: rt}
	t.wild = t.oneIn(2, "wild")
	root := t.object(3, false)
	fields := root.known()
	pointers := t.pointers(fields)
	kept := withBlocks(fields, pointers)
	t.addRules(root, fields, kept)
	s, registry, raw := t.schema(root)
	var all []string
	for _, f := range s.Fields() {
		all = append(all, f.Pointer)
	}
	if want := slices.Sorted(maps.Keys(fields)); !slices.Equal(slices.Sorted(slices.Values(all)), want) {
		t.Fatalf("fields %q, want %q\n%s", all, want, raw)
	}
	cut, errs := disclose.Plan(s, pointers)
	if errs != nil {
		t.refused(cut, errs)
		if mustCut(root, fields, kept) {
			t.Fatalf("plan %q: %v\n%s", pointers, errs, raw)
		}
		return
	}
	compiled, err := compile(cut)
	if err != nil {
		t.Fatalf("%v\n%s", err, cut.Schema())
	}
	c := &check{t, s, cut, kept, compiled, raw}
	c.derived(registry, fields)
	for range 4 {
		c.instance([]byte(t.instance(root, "", nil)))
	}
	if !t.wild { // else what is cut can be wrong too
		c.strict([]byte(t.instance(root, "", append([]string{}, kept...))))
	}
}

func (t *drawer) refused(cut *disclose.Cut, errs []error) {
	for _, err := range errs {
		if p, ok := errors.AsType[*disclose.PointerError](err); !ok || !errors.Is(err, disclose.ErrNotDerivable) || p.Keyword == "" {
			t.Fatalf("refused by %v", err)
		}
	}
	if cut != nil || len(errs) == 0 {
		t.Fatal("a cut beside errors")
	}
}

// compile reads the derived schema afresh.
func compile(cut *disclose.Cut) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	if err := c.AddResource(cut.DataSchema(), bytes.NewReader(cut.Schema())); err != nil {
		return nil, err
	}
	return c.Compile(cut.DataSchema())
}

type check struct {
	*drawer
	whole  *schemas.Schema
	cut    *disclose.Cut
	kept   []string
	schema *jsonschema.Schema
	raw    []byte // of the whole schema
}

// instance checks one cut; of wild schemas not all that is drawn is valid.
func (c *check) instance(data []byte) {
	if v := c.whole.Validate(parse(c.T, data)); v != nil {
		if !c.wild {
			c.Fatalf("instance: %v\n%s\n%s", v, c.raw, data)
		}
		return
	}
	got, err := c.cut.Apply(data)
	if err != nil {
		c.Fatalf("%v\nto %q\n%s\n%s", err, c.kept, data, c.raw)
	}
	if is, want := show(got, "", c.kept, false), show(data, "", c.kept, true); is != want {
		c.Fatalf("cut to %q\n got %s\nwant %s\nfrom %s", c.kept, is, want, data)
	}
	if err := c.schema.Validate(parse(c.T, got)); err != nil {
		c.Fatalf("%v\ncut %s\nof %s\nto %q\nschema %s\nof %s", err, got, data, c.kept, c.cut.Schema(), c.raw)
	}
}

// strict: what remains of data is valid exactly if data is, which has faults
// only there; and data with anything that should be cut never is.
func (c *check) strict(data []byte) {
	remains := show(data, "", c.kept, true)
	want := c.whole.Validate(parse(c.T, data)) == nil
	if got := c.schema.Validate(parse(c.T, []byte(remains))) == nil; got != want {
		c.Fatalf("valid %v, cut to %q valid %v\n%s\n%s\nschema %s\nof %s", want, c.kept, got, data, remains, c.cut.Schema(), c.raw)
	}
	if show(data, "", c.kept, false) != remains && c.schema.Validate(parse(c.T, data)) == nil {
		c.Fatalf("valid without being cut to %q\n%s\nschema %s", c.kept, data, c.cut.Schema())
	}
}

// derived checks the derived schema by itself.
func (c *check) derived(registry *schemas.Registry, fields map[string]*known) {
	id := strings.TrimPrefix(c.cut.DataSchema(), schemas.IDPrefix)
	s, errs := registry.Admit(id, "derived.json", c.cut.Schema())
	if errs != nil {
		c.Fatalf("derived to %q: %v\n%s\nof %s", c.kept, errs, c.cut.Schema(), c.raw)
	}
	secret := map[string]bool{}
	remain := map[string]bool{}
	for p := range fields {
		set := secret
		if under(c.kept, p) || over(p, c.kept) {
			set = remain
		}
		set[strings.ReplaceAll(strings.ReplaceAll(p[strings.LastIndexByte(p, '/')+1:], "~1", "/"), "~0", "~")] = true
	}
	for _, word := range append(words(s.Resolved()), words(parse(c.T, c.cut.Schema()))...) {
		if secret[word] && !remain[word] && !slices.Contains(keywords, word) {
			c.Fatalf("cut to %q names %q\n%s", c.kept, word, c.cut.Schema())
		}
	}
	again, errs := disclose.Plan(c.whole, rapid.Permutation(append(slices.Clone(c.kept), c.cut.Fields()...)).Draw(c.T, "again"))
	if errs != nil || again.DataSchema() != c.cut.DataSchema() || !bytes.Equal(again.Schema(), c.cut.Schema()) {
		c.Fatalf("cut to %q and again to %q: %v", c.kept, c.cut.Fields(), errs)
	}
}

// words lists all texts in v, names included, but for what is meant for people.
func words(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			out = append(out, words(one)...)
		}
	case map[string]any:
		for name, one := range v {
			if _, text := one.(string); text && (name == "title" || name == "description" || name == "$comment") {
				continue
			}
			out = append(append(out, name), words(one)...)
		}
	}
	return out
}

func parse(t *rapid.T, data []byte) any {
	v, ok := decode(data)
	if !ok {
		t.Fatalf("no JSON: %s", data)
	}
	return v
}

func decode(data []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err == nil
}
