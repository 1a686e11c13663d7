package disclose_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/schemas"
)

func wohnung(t *testing.T) *schemas.Schema {
	t.Helper()
	r, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	s, ok := r.Lookup("de.meldewesen.wohnung-angemeldet.v1")
	if !ok {
		t.Fatal("no schema")
	}
	return s
}

// plan makes a cut, and the schema of members beside the usual ones.
func plan(t *testing.T, members string, pointers ...string) (*disclose.Cut, []error) {
	t.Helper()
	return disclose.Plan(admit(t, members), pointers)
}

func admit(t testing.TB, members string) *schemas.Schema {
	t.Helper()
	raw := `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:amtsbote:schema:de.test.v1", "title": "T",
"type": "object", "additionalProperties": false, "x-nicht-personenbezogen": true, ` + members + `}`
	s, errs := (&schemas.Registry{}).Admit("de.test.v1", "schema.json", []byte(raw))
	if errs != nil {
		t.Fatal(errs)
	}
	return s
}

func TestApplyKeepsBytes(t *testing.T) {
	tests := []struct {
		name     string
		pointers []string
		in, want string
	}{
		{"numbers, escapes, order", []string{"/b", "/a"}, `{"b":12.50,"x":1,"a":"\u00fc\/"}`, `{"b":12.50,"a":"\u00fc\/"}`},
		{"first gone", []string{"/a"}, `{ "x" : 1 , "a" : -0 }`, `{ "a" : -0 }`},
		{"last gone", []string{"/a"}, "{\n  \"a\": 1e2,\n  \"x\": {\"a\": 1}\n}\n", "{\n  \"a\": 1e2\n}\n"},
		{"all gone", []string{"/a"}, `{"x":1, "b":2}`, `{}`},
		{"parent with its children", []string{"/o"}, `{"o":{"p":1,"q":[]},"a":2}`, `{"o":{"p":1,"q":[]}}`},
		{"child with its parents", []string{"/o/p"}, `{"a":1,"o":{"q":[1],"p":9007199254740993}}`, `{"o":{"p":9007199254740993}}`},
		{"every item", []string{"/l/p"}, `{"l":[ {"p":1,"q":2} , {"q":3}, {} ],"a":1}`, `{"l":[ {"p":1} , {}, {} ]}`},
		{"null instead of an object", []string{"/o/p"}, `{"o":null}`, `{"o":null}`},
		{"escaped name", []string{"/a"}, `{"\u0061":1,"\u0078":2}`, `{"\u0061":1}`},
		{"nothing disclosed", nil, `{"a":1}`, `{}`},
		{"child of a disclosed parent", []string{"/o", "/o/p"}, `{"o":{"p":1,"q":[]}}`, `{"o":{"p":1,"q":[]}}`},
	}
	const members = `"properties": {"a": {}, "b": {}, "x": {}, "o": {"type": ["object", "null"], "additionalProperties": false, "properties": {"p": {}, "q": {"type": "array"}}},
"l": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {"p": {}, "q": {}}}}}`
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c, errs := plan(t, members, tc.pointers...)
			if errs != nil {
				t.Fatal(errs)
			}
			got, err := c.Apply([]byte(tc.in))
			if err != nil || string(got) != tc.want {
				t.Errorf("got %s, %v, want %s", got, err, tc.want)
			}
		})
	}
}

// Data that is not what its schema says is refused, and the error quotes none of
// it.
func TestApplyRefuses(t *testing.T) {
	c, errs := plan(t, `"properties": {"o": {"type": "object", "additionalProperties": false, "properties": {"p": {}, "q": {}}}}`, "/o/p")
	if errs != nil {
		t.Fatal(errs)
	}
	for _, in := range []string{
		``, `"Geheimnis"`, `{"o":"Geheimnis"}`, `{"o":["Geheimnis"]}`, `{"o":{"p":Geheimnis}}`, `{"o":{}} Geheimnis`,
		`{"o":{"p":1,"p":"Geheimnis"}}`, `{"Geheimnis":1,"Geheimnis":2}`, `{"o":{`, `{"o":{"p":1]`, "{\"o\":{\"p\":\"\xff\"}}", `null x`,
	} {
		out, err := c.Apply([]byte(in))
		if err == nil {
			t.Errorf("%q became %q", in, out)
		} else if strings.Contains(err.Error(), "Geheimnis") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestPlanErrors(t *testing.T) {
	const ab = `"properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string"}}`
	object := func(s string) string {
		return `"properties": {"o": {"type": "object", "additionalProperties": false, "properties": {"p": {}, "q": {}}, ` + s + `}}`
	}
	listOf := func(s string) string {
		return `"properties": {"l": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {"p": {}, "q": {}}}, ` + s + `}}`
	}
	tests := []struct {
		name, members string
		pointers      []string
		keyword       string // "": fine; "?": unknown
	}{
		{"unknown", ab, []string{"/a", "/d"}, "?"},
		{"root", ab, []string{""}, "?"},
		{"no pointer", ab, []string{"a"}, "?"},
		{"below a leaf", ab, []string{"/a/b"}, "?"},
		{"anyOf over a cut field", ab + `, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]`, []string{"/a"}, "anyOf"},
		{"anyOf over disclosed fields", ab + `, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]`, []string{"/a", "/b"}, ""},
		{"oneOf", ab + `, "oneOf": [{"properties": {"b": {"const": "x"}}}]`, []string{"/a"}, "oneOf"},
		{"not", ab + `, "not": {"required": ["b"]}`, []string{"/a"}, "not"},
		{"if", ab + `, "if": {"properties": {"b": {"const": "x"}}}, "then": {"required": ["a"]}`, []string{"/a"}, "if"},
		{"then", ab + `, "if": {"properties": {"a": {"const": "x"}}}, "then": {"required": ["b"]}`, []string{"/a"}, "then"},
		{"if over disclosed fields", ab + `, "if": {"properties": {"a": {"const": "x"}}}, "then": {"required": ["b"]}`, []string{"/a", "/b"}, ""},
		{"dependentRequired", ab + `, "dependentRequired": {"b": ["a"]}`, []string{"/a"}, "dependentRequired"},
		{"dependentRequired, other way", ab + `, "dependentRequired": {"a": ["b"]}`, []string{"/a"}, "dependentRequired"},
		{"dependentSchemas", ab + `, "dependentSchemas": {"a": {"required": ["b"]}}`, []string{"/a"}, "dependentSchemas"},
		{"propertyNames", ab + `, "propertyNames": {"maxLength": 3}`, []string{"/a"}, "propertyNames"},
		{"unevaluatedProperties", ab + `, "unevaluatedProperties": false`, []string{"/a"}, "unevaluatedProperties"},
		{"minProperties", ab + `, "minProperties": 2`, []string{"/a"}, "minProperties"},
		{"maxProperties only gets easier", ab + `, "maxProperties": 2`, []string{"/a"}, ""},
		{"anyOf counts", ab + `, "anyOf": [{"minProperties": 2}]`, []string{"/a", "/b"}, "anyOf"},
		{"const of a parent", object(`"const": {"p": 1, "q": 2}`), []string{"/o/p"}, "const"},
		{"const disclosed whole", object(`"const": {"p": 1, "q": 2}`), []string{"/o"}, ""},
		{"oneOf of a parent disclosed whole", object(`"oneOf": [{"required": ["p"]}, {"required": ["q"]}]`), []string{"/o"}, ""},
		{"in an allOf", ab + `, "allOf": [{"anyOf": [{"required": ["b"]}, {"required": ["a"]}]}]`, []string{"/a"}, "anyOf"},
		{"named only in a branch", `"properties": {"o": {"type": "object", "unevaluatedProperties": false, "oneOf": [{"properties": {"p": {}}}, {"properties": {"q": {}}}]}}`, []string{"/o/p"}, "oneOf"},
		{"items that must differ", `"properties": {"l": {"type": "array", "uniqueItems": true, "items": {"type": "object", "additionalProperties": false, "properties": {"p": {}, "q": {}}}}}`, []string{"/l/p"}, "uniqueItems"},
		{"may be a plain value", `"properties": {"o": {"type": ["object", "string"], "additionalProperties": false, "properties": {"p": {}}}}`, []string{"/o/p"}, "type"},
		{"may be a list of anything", `"properties": {"o": {"type": ["object", "array"], "additionalProperties": false, "properties": {"p": {}}}}`, []string{"/o/p"}, "items"},
		{"a list of nothing", `"properties": {"o": {"type": ["object", "array"], "additionalProperties": false, "properties": {"p": {}}, "items": false}}`, []string{"/o/p"}, ""},
		{"a number that must be whole", `"properties": {"o": {"type": ["object", "number"], "additionalProperties": false, "properties": {"p": {}}, "allOf": [{"type": ["object", "integer"]}]}}`, []string{"/o/p"}, "type"},
		{"type in one part, field in another", object(`"allOf": [{"properties": {"p": {}}}, {"allOf": [{"required": ["q"]}]}]`), []string{"/o/p"}, ""},
		{"part of a part", `"allOf": [{"properties": {"o": {"properties": {"p": {"type": "string"}}}}}], ` + object(`"required": ["q"]`), []string{"/o/p"}, ""},
		{"the type says less than allOf", `"properties": {"o": {"type": ["object", "string"], "additionalProperties": false, "properties": {"p": {}, "q": {}}, "allOf": [{"type": "object"}]}}`, []string{"/o/p"}, ""},
		{"items that may be alike", `"properties": {"l": {"type": "array", "uniqueItems": false, "items": {"type": "object", "additionalProperties": false, "properties": {"p": {}, "q": {}}}}}`, []string{"/l/p"}, ""},
		{"anyOf with a default", ab + `, "anyOf": [{"required": ["a"], "default": {"b": "x"}}, {"maxLength": 1}]`, []string{"/a"}, "anyOf"},
		{"anyOf with an example", ab + `, "anyOf": [{"required": ["a"], "examples": [{"b": "x"}]}]`, []string{"/a"}, "anyOf"},
		{"rule on part of a field", object(`"required": []`) + `, "anyOf": [{"properties": {"o": {"required": ["q"]}}}]`, []string{"/o/p"}, "anyOf"},
		{"enum of a parent", object(`"enum": [{"p": 1}, {"q": 2}]`), []string{"/o/p"}, "enum"},
		{"names by pattern", object(`"patternProperties": {"^x": {"type": "string"}}`), []string{"/o/p"}, "patternProperties"},
		{"first items", listOf(`"prefixItems": [{"required": ["q"]}]`), []string{"/l/p"}, "prefixItems"},
		{"an item that must be there", listOf(`"contains": {"required": ["q"]}`), []string{"/l/p"}, "contains"},
		{"other items", listOf(`"unevaluatedItems": false`), []string{"/l/p"}, "unevaluatedItems"},
		{"number of items", listOf(`"minItems": 1, "maxItems": 3`), []string{"/l/p"}, ""},
		{"examples and default", object(`"default": {"q": 1}, "examples": [{"q": 1}]`), []string{"/o/p"}, ""},
		{"other names allowed", `"properties": {"o": {"type": "object", "additionalProperties": {"type": "string"}, "properties": {"p": {}}}}`, []string{"/o/p"}, "additionalProperties"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c, errs := plan(t, tc.members, tc.pointers...)
			want := disclose.ErrNotDerivable
			if tc.keyword == "?" {
				want = disclose.ErrUnknown
			}
			switch {
			case tc.keyword == "":
				if errs != nil {
					t.Error(errs)
				}
			case c != nil || len(errs) == 0:
				t.Errorf("planned %v", c.Fields())
			default:
				if !slices.ContainsFunc(errs, func(err error) bool {
					p, ok := errors.AsType[*disclose.PointerError](err)
					return ok && errors.Is(err, want) && (p.Keyword == tc.keyword || tc.keyword == "?")
				}) {
					t.Errorf("errors = %v", errs)
				}
			}
		})
	}
}

// The error says where, as a JSON Pointer.
func TestPlanErrorPointer(t *testing.T) {
	_, errs := plan(t, `"properties": {"a~/": {"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {"p": {}}}}`, "/a~0~1/p")
	if len(errs) != 1 || errs[0].Error() != "/a~0~1: no schema can be derived for the cut data (minProperties)" {
		t.Error(errs)
	}
}

// The mark of a block goes wherever a personal field goes, and only there.
func TestBlockMarksStay(t *testing.T) {
	marks := []string{"/sperren/auskunftssperre", "/sperren/bedingterSperrvermerk", "/sperren/uebermittlungssperren"}
	c, errs := disclose.Plan(wohnung(t), []string{"/einzug"})
	if errs != nil || !slices.Equal(c.Fields(), append([]string{"/einzug"}, marks...)) {
		t.Errorf("%v, %v", c.Fields(), errs)
	}
	got, err := c.Apply([]byte(`{"einzug":"2026-03-01","sperren":{"auskunftssperre":true}}`))
	if err != nil || string(got) != `{"einzug":"2026-03-01","sperren":{"auskunftssperre":true}}` {
		t.Errorf("%s, %v", got, err)
	}
	const members = `"properties": {"a": {"x-datenkategorie": "x"}, "n": {}, "s": {"x-sperre": "s"}}`
	for pointer, want := range map[string][]string{"/a": {"/a", "/s"}, "/n": {"/n"}, "/s": {"/s"}} {
		if c, errs := plan(t, members, pointer); errs != nil || !slices.Equal(c.Fields(), want) {
			t.Errorf("%s: %v, %v", pointer, c.Fields(), errs)
		}
	}
}

// Different fields have different schemas, whatever their names hold.
func TestDataSchemasDiffer(t *testing.T) {
	const members = `"properties": {"a": {}, "b": {}, "a\n": {"type": "object", "additionalProperties": false, "properties": {"b": {}, "c": {}}}}`
	x, errs := plan(t, members, "/a", "/b")
	y, moreErrs := plan(t, members, "/a\n/b")
	if errs != nil || moreErrs != nil || x.DataSchema() == y.DataSchema() {
		t.Errorf("%v and %v are both %s", x.Fields(), y.Fields(), x.DataSchema())
	}
}

// What the root says by a reference, the derived schema says itself.
func TestDerivedRoot(t *testing.T) {
	admit := func(def string) *schemas.Schema {
		s, errs := (&schemas.Registry{}).Admit("de.test.v1", "schema.json", []byte(`{"$schema": "https://json-schema.org/draft/2020-12/schema",
"$id": "urn:amtsbote:schema:de.test.v1", "title": "T", "x-nicht-personenbezogen": true, "$ref": "#/$defs/d", "required": ["a"], "$defs": {"d": `+def+`}}`))
		if errs != nil {
			t.Fatal(errs)
		}
		return s
	}
	c, errs := disclose.Plan(admit(`{"type": "object", "additionalProperties": false, "properties": {"a": {}, "b": {}}}`), []string{"/a"})
	if errs != nil {
		t.Fatal(errs)
	}
	if _, errs := (&schemas.Registry{}).Admit(strings.TrimPrefix(c.DataSchema(), schemas.IDPrefix), "derived", c.Schema()); errs != nil {
		t.Errorf("%v\n%s", errs, c.Schema())
	}
	for _, typ := range []string{`["object", "null"]`, `["object", "array"]`, `"array"`} {
		if c, errs := disclose.Plan(admit(`{"type": `+typ+`, "additionalProperties": false, "properties": {"a": {}}, "items": false}`), []string{"/a"}); errs == nil {
			t.Errorf("%s: %s", typ, c.Schema())
		}
	}
}

func TestDerivedSchema(t *testing.T) {
	c, errs := disclose.Plan(wohnung(t), []string{"/einzug", "/anschrift/ort", "/person/name/familienname"})
	if errs != nil {
		t.Fatal(errs)
	}
	again, _ := disclose.Plan(wohnung(t), c.Fields())
	if again.DataSchema() != c.DataSchema() || !slices.Equal(again.Fields(), c.Fields()) {
		t.Error("a plan of the fields is another plan")
	}
	if !regexp.MustCompile(`^urn:amtsbote:schema:de\.meldewesen\.wohnung-angemeldet\.v1\?felder=[0-9a-f]{16}$`).MatchString(c.DataSchema()) {
		t.Errorf("DataSchema = %s", c.DataSchema())
	}
	var s map[string]any
	if err := json.Unmarshal(c.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	if s["$id"] != c.DataSchema() || strings.Contains(string(c.Schema()), "$ref") {
		t.Errorf("%s", c.Schema())
	}
	for _, gone := range []string{"bisherigeAnschrift", "plz", "vornamen", "deutsch"} {
		if strings.Contains(string(c.Schema()), gone) {
			t.Errorf("%s is still in the schema", gone)
		}
	}
}
