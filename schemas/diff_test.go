package schemas

import (
	"slices"
	"strings"
	"testing"
)

const diffSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "urn:amtsbote:schema:de.test.ding.v1",
  "title": "Ding", "x-title-en": "Thing", "description": "Ein Ding.", "x-keep": "P7D",
  "type": "object", "additionalProperties": false, "required": ["nummer"],
  "properties": {
    "nummer": {"type": "integer", "title": "Nummer", "x-nicht-personenbezogen": true},
    "title": {"type": "string", "title": "Titel", "maxLength": 10, "x-datenkategorie": "kontakt"},
    "teile": {"type": "array", "maxItems": 5, "items": {"type": "object", "additionalProperties": false, "properties": {"art": {"type": "string", "maxLength": 5, "title": "Art", "x-nicht-personenbezogen": true}}}}
  },
  "if": {"required": ["title"], "properties": {"title": {"const": "a"}}}, "then": {"required": ["teile"]}
}`

// TestDiff: each edit of a schema is told of at its field, and as what it is.
func TestDiff(t *testing.T) {
	t.Parallel()
	registry, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	admit := func(raw string) *Schema {
		s, errs := registry.Admit("de.test.ding.v1", "schema.json", []byte(raw))
		if s == nil {
			t.Fatal(errs)
		}
		return s
	}
	old := admit(diffSchema)
	for _, c := range []struct {
		from, to string
		want     []Change
	}{
		{"", "", nil},
		{`"nummer": {"type"`, `"neu": {"type": "boolean", "title": "Neu", "x-nicht-personenbezogen": true}, "nummer": {"type"`, []Change{{"/neu", FieldAdded}}},
		{`"nummer": {"type": "integer", "title": "Nummer", "x-nicht-personenbezogen": true},`, ``, []Change{{"", FieldRule}, {"/nummer", FieldRemoved}}},
		{`"required": ["nummer"]`, `"required": ["nummer", "teile"]`, []Change{{"/teile", FieldRequired}}},
		{`"required": ["nummer"]`, `"required": []`, []Change{{"/nummer", FieldOptional}}},
		{`"maxLength": 10`, `"maxLength": 11`, []Change{{"/title", FieldRule}}},
		{`"maxLength": 5`, `"maxLength": 6`, []Change{{"/teile/art", FieldRule}}},
		{`"maxItems": 5`, `"maxItems": 6`, []Change{{"/teile", FieldRule}}},
		{`"x-datenkategorie": "kontakt"`, `"x-datenkategorie": "grunddaten"`, []Change{{"/title", FieldCategory}}},
		{`"title": "Nummer"`, `"title": "Zahl"`, []Change{{"/nummer", FieldText}}},
		{`{"const": "a"}`, `{"const": "b"}`, []Change{{"", FieldRule}}},
		{`"x-keep": "P7D"`, `"x-keep": "P90D"`, []Change{{"", SchemaKeep}}},
		{`"x-keep": "P7D"`, `"x-keep": "P7D", "x-attribute": ["dingart"]`, []Change{{"", SchemaAttributes}}},
		{`"description": "Ein Ding."`, `"description": "Noch eins."`, []Change{{"", FieldText}}},
	} {
		next := strings.Replace(diffSchema, c.from, c.to, 1)
		if c.from == `"nummer": {"type": "integer", "title": "Nummer", "x-nicht-personenbezogen": true},` { // what is demanded must be a field
			next = strings.Replace(next, `"required": ["nummer"]`, `"minProperties": 1`, 1)
		}
		if got := Diff(old, admit(next)); !slices.Equal(got, c.want) {
			t.Errorf("%s -> %s: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// TestExamples: every type shows its examples, each invalid one with the rule it breaks.
func TestExamples(t *testing.T) {
	t.Parallel()
	registry, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range registry.Types() {
		s, _ := registry.Lookup(name)
		valid, invalid := 0, 0
		for _, e := range s.Examples() {
			if e.Valid() {
				valid++
			} else {
				invalid++
			}
			if len(e.Raw) == 0 || strings.HasSuffix(e.Name, ".json") {
				t.Errorf("%s: example %q", name, e.Name)
			}
		}
		if valid < 2 || invalid < 3 {
			t.Errorf("%s: %d valid and %d invalid examples are shown", name, valid, invalid)
		}
	}
}
