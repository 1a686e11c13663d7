package disclose_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// shape is a random schema of which instances can be made, and of which the
// tests know what the production code has to find out.
type shape struct {
	kinds  []string // of a container: object or array, and what else it may be; nil: anything
	fields []*field
	item   *shape
	leaf   *leaf // instead of fields and item
	marks  map[string]any
	// rules over the value as a whole or over several fields.
	rules map[string]any
	ref   string // "", defs, shared
}

type field struct {
	name     string
	required bool
	shape    *shape
}

// leaf is a schema without properties of its own, and values that fit it.
type leaf struct {
	schema map[string]any
	values []string
}

var leafs = []leaf{
	{object{"type": "string"}, []string{`""`, `"12.50"`, `"\u00e4\/\n"`, `"}\\"`, `"ö,"`, `"<&>"`}},
	{object{"type": list("string", "null"), "maxLength": 9}, []string{`"x"`, `null`}},
	{object{"type": "string", "enum": list("rot", "grün")}, []string{`"rot"`, `"gr\u00fcn"`}},
	{object{"type": "string", "pattern": "^[a-z]{1,3}$"}, []string{`"xyz"`, `"\u0078"`}},
	{object{"type": "string", "format": "date"}, []string{`"2026-03-01"`}},
	{object{"type": "number", "minimum": -1}, []string{"12.50", "-0", "1e2", "9007199254740993", "0.10"}},
	{object{"type": "integer", "default": 3, "examples": list(7)}, []string{"12", "1.0"}},
	{object{"const": 12.5}, []string{"12.50", "1250e-2"}},
	{object{"type": "boolean"}, []string{"true", "false"}},
	{object{}, []string{`{"x":[1,{"y":null}]}`, `"frei"`, "null", "[]"}},
	{object{"type": "array"}, []string{`[1, "eins", {}]`, "[]"}},
	{object{"type": "object", "additionalProperties": false}, []string{"{}", "{ }"}},
	{object{"type": "object", "additionalProperties": object{"type": "string"}}, []string{`{"frei": "x"}`, "{}"}},
	{object{"oneOf": list(object{"type": "string", "maxLength": 3}, object{"type": "integer"})}, []string{`"abc"`, "4"}},
	{object{"type": "string", "not": object{"const": "nie"}, "if": object{"minLength": 3}, "then": object{"pattern": "^a"}}, []string{`"ab"`, `"abc"`}},
	{object{"type": "array", "prefixItems": list(object{"type": "string"}), "items": object{"type": "integer"}}, []string{`["a", 1 ,2]`, "[]"}},
}

type object = map[string]any

func list(v ...any) []any { return v }

// names are odd on purpose: each needs escaping somewhere, is a prefix of
// another or a keyword of JSON Schema.
var names = []string{
	"a", "ab", "a/b", "a~b", "a~1b", "a%20b", "a b", "a ", "ä", "a.b", "0", "a\n", "a\n/b", `"`, "<x>",
	"", "default", "examples", "properties", "required", "allOf", "type", "$ref", "x-sperre", // = keywords
}

var keywords = names[15:]

// drawer draws one schema document.
type drawer struct {
	*rapid.T
	count   int
	reused  []*shape // shapes behind a reference, which may be used again
	defs    object
	shared  map[string]object
	byShape map[*shape]string
	// wild schemas have rules and types that may not be cut.
	wild bool
	// whole are the names that remain entirely where a rule is drawn.
	whole []string
	// friendly rules look only at these.
	friendly bool
}

func (t *drawer) n(from, to int, label string) int { return rapid.IntRange(from, to).Draw(t.T, label) }
func (t *drawer) oneIn(n int, label string) bool   { return t.n(1, n, label) == n }
func pick[V any](t *drawer, label string, v ...V) V {
	return rapid.SampledFrom(v).Draw(t.T, label)
}

// name is a fresh one half of the time, so that it can be searched for.
func (t *drawer) name() string {
	name := rapid.SampledFrom(names).Draw(t.T, "name")
	if t.oneIn(2, "fresh") {
		t.count++
		name += fmt.Sprint(t.count)
	}
	return name
}

func (t *drawer) object(depth int, inherits bool) *shape {
	s := &shape{kinds: []string{"object"}}
	if t.oneIn(4, "category") {
		s.marks = object{"x-datenkategorie": "ober"}
		inherits = true
	}
	for range t.n(0, 4, "fields") {
		f := &field{t.name(), t.oneIn(2, "required"), t.shape(depth-1, inherits)}
		if !slices.ContainsFunc(s.fields, func(o *field) bool { return o.name == f.name }) {
			s.fields = append(s.fields, f)
		}
	}
	return s
}

func (t *drawer) shape(depth int, inherits bool) *shape {
	if depth <= 0 || t.oneIn(3, "leaf") {
		return t.leaf(inherits)
	}
	if len(t.reused) > 0 && t.oneIn(6, "again") {
		return rapid.SampledFrom(t.reused).Draw(t.T, "which")
	}
	s := &shape{kinds: []string{"array"}}
	if ref := t.oneIn(3, "ref"); ref {
		inherits = false // it can be used elsewhere
		defer func() {
			s.ref = pick(t, "where", "defs", "shared")
			t.reused = append(t.reused, s)
		}()
	}
	if t.oneIn(2, "array") {
		s.item = t.shape(depth-1, inherits)
	} else {
		*s = *t.object(depth, inherits)
	}
	if s.marks == nil && t.oneIn(10, "block") {
		s.marks = object{"x-sperre": "sperren"}
	}
	if s.fields == nil && s.item == nil && s.marks == nil && !inherits {
		s.marks = t.mark()
	}
	if t.oneIn(4, "nullable") {
		s.kinds = append(s.kinds, "null")
	}
	if t.wild && t.oneIn(10, "loose") {
		s.kinds = pick(t, "type", []string{"object", "string"}, nil, []string{"object", "array"}, []string{"array", "string"})
	}
	return s
}

func (t *drawer) leaf(inherits bool) *shape {
	s := &shape{leaf: &leafs[t.n(0, len(leafs)-1, "leaf")]}
	if !inherits || t.oneIn(3, "marked") {
		s.marks = t.mark()
	}
	if t.oneIn(6, "ref") && !inherits {
		s.ref = pick(t, "where", "defs", "shared")
	}
	return s
}

func (t *drawer) mark() object {
	switch t.n(0, 3, "mark") {
	case 0:
		return object{"x-nicht-personenbezogen": true}
	case 1:
		return object{"x-sperre": "sperre"}
	}
	return object{"x-datenkategorie": "stammdaten"}
}

// known is what the tests know of a field.
type known struct {
	leaf, personal, block bool
	shapes                []*shape // an array, its items, theirs
}

// fields lists what s has, by pointer.
func (s *shape) known() map[string]*known {
	out := map[string]*known{}
	s.below("", known{personal: s.marks["x-datenkategorie"] != nil}, out)
	return out
}

func (s *shape) below(at string, inherited known, out map[string]*known) {
	for _, f := range s.fields {
		pointer := at + "/" + token(f.name)
		k := &known{personal: inherited.personal}
		for one := f.shape; one != nil; one = one.item {
			k.shapes = append(k.shapes, one)
			k.personal = k.personal || one.marks["x-datenkategorie"] != nil
			k.block = k.block || one.marks["x-sperre"] != nil
		}
		out[pointer] = k
		last := k.shapes[len(k.shapes)-1]
		k.leaf = len(last.fields) == 0
		last.below(pointer, *k, out)
	}
}

// pointers chooses what to disclose; often nearly all, so that rules look only
// at what remains.
func (t *drawer) pointers(fields map[string]*known) []string {
	most := t.oneIn(2, "most")
	odds := t.n(2, 5, "odds")
	var out []string
	for _, p := range slices.Sorted(maps.Keys(fields)) {
		if few := t.oneIn(odds, "disclose"); most && fields[p].leaf && !few || !most && few {
			out = append(out, p)
		}
	}
	return out
}

// withBlocks adds the block marks if something personal is disclosed.
func withBlocks(fields map[string]*known, pointers []string) []string {
	out := slices.Clone(pointers)
	for p, k := range fields {
		if k.leaf && k.personal && under(pointers, p) {
			for p, k := range fields {
				if k.block {
					out = append(out, p)
				}
			}
			return out
		}
	}
	return out
}

func under(parents []string, pointer string) bool {
	return slices.ContainsFunc(parents, func(p string) bool { return pointer == p || strings.HasPrefix(pointer, p+"/") })
}

// over tells whether a pointer leads to one of children.
func over(pointer string, children []string) bool {
	return slices.ContainsFunc(children, func(p string) bool { return strings.HasPrefix(p, pointer+"/") })
}

// addRules draws the rules of some containers, most of them such as are cut. Wild
// rules are few, since each is likely to be refused and hides the others.
func (t *drawer) addRules(root *shape, fields map[string]*known, kept []string) {
	fields[""] = &known{shapes: []*shape{root}}
	defer delete(fields, "")
	wild := 0
	if t.wild {
		wild = pick(t, "wild rules", 1, 1, 1, 2, 4)
	}
	var cut []string
	all := slices.Sorted(maps.Keys(fields))
	for _, p := range all {
		if over(p, kept) {
			cut = append(cut, p)
		}
	}
	for range wild {
		at := rapidPick(t, all)
		if len(cut) > 0 && !t.oneIn(5, "anywhere") {
			at = rapidPick(t, cut)
		}
		t.addRule(at, rapidPick(t, fields[at].shapes), kept)
	}
	for _, p := range all {
		if s := fields[p].shapes[0]; s.leaf == nil && s.rules == nil && t.oneIn(5, "tame") {
			s.rules = t.tameRules(s)
		}
	}
}

func (t *drawer) addRule(at string, s *shape, kept []string) {
	if s.leaf != nil || s.rules != nil {
		return
	}
	t.whole = nil
	for _, f := range s.fields {
		if under(kept, at+"/"+token(f.name)) {
			t.whole = append(t.whole, f.name)
		}
	}
	t.friendly = len(t.whole) > 0 && t.oneIn(2, "friendly")
	s.rules = object{}
	if s.item != nil {
		t.arrayRule(s, s.rules)
	} else {
		t.rule(s, s.rules)
	}
}

func token(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// mustCut tells whether nothing stands in the way of a cut: no rule and no odd
// type where a value is cut.
func mustCut(root *shape, fields map[string]*known, kept []string) bool {
	if !tame(root) {
		return false
	}
	for p, k := range fields {
		if !under(kept, p) && over(p, kept) && !tame(k.shapes...) {
			return false
		}
	}
	return true
}

func tame(shapes ...*shape) bool {
	for _, s := range shapes {
		if s.kinds == nil || slices.Contains(s.kinds, "string") || len(s.kinds) == 2 && s.kinds[1] == "array" {
			return false
		}
		for name, v := range s.rules {
			switch name {
			case "default", "examples", "minItems", "maxItems", "maxProperties":
			case "uniqueItems":
				if v == true {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}
