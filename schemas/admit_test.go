package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// admitText admits a schema whose root has these members beside the usual ones.
func admitText(members string) (*Schema, []error) {
	r, _ := Embedded()
	return r.Admit("de.test.v1", "schema.json", rootWith(members))
}

func rootWith(members string) []byte {
	return []byte(`{
"$schema": "https://json-schema.org/draft/2020-12/schema",
"$id": "urn:amtsbote:schema:de.test.v1",
"title": "Test",
` + members + `
}`)
}

const closed = `"type": "object", "additionalProperties": false, "x-nicht-personenbezogen": true, `

func TestAdmitRefuses(t *testing.T) {
	prop := func(s string) string { return closed + `"properties": {"a": ` + s + `}` }
	tests := []struct {
		name, members, code, pointer string
	}{
		{"open root", `"type": "object", "properties": {}`, CodeOpen, ""},
		{"true is open", `"type": "object", "additionalProperties": true`, CodeOpen, "/additionalProperties"},
		{"root not an object", `"type": "string"`, CodeOpen, "/type"},
		{"open object below", prop(`{"type": ["object", "null"]}`), CodeOpen, "/properties/a"},
		{"boolean schema", prop(`true`), CodeOpen, "/properties/a"},
		{"unknown keyword", prop(`{"requierd": []}`), CodeKeyword, "/properties/a/requierd"},
		{"dynamic reference", prop(`{"$dynamicRef": "#x"}`), CodeKeyword, "/properties/a/$dynamicRef"},
		{"anchor", prop(`{"$anchor": "x"}`), CodeKeyword, "/properties/a/$anchor"},
		{"nested id", prop(`{"$id": "urn:x"}`), CodeKeyword, "/properties/a/$id"},
		{"empty enum", prop(`{"enum": []}`), CodeKeyword, "/properties/a/enum"},
		{"unchecked format", prop(`{"format": "idn-email"}`), CodeKeyword, "/properties/a/format"},
		{"format whose check has no bound", prop(`{"format": "regex"}`), CodeKeyword, "/properties/a/format"},
		{"look-ahead", prop(`{"pattern": "^(?=.*[0-9]).+$"}`), CodeRegex, "/properties/a/pattern"},
		{"look-ahead in a name", closed + `"patternProperties": {"^(?!x)": {"type": "string"}}`, CodeRegex, "/patternProperties/^(?!x)"},
		{"file", prop(`{"$ref": "file:///etc/hostname"}`), CodeRefBan, "/properties/a/$ref"},
		{"http", prop(`{"$ref": "http://127.0.0.1:8222/varz"}`), CodeRefBan, "/properties/a/$ref"},
		{"another type", prop(`{"$ref": "urn:amtsbote:schema:de.xoev.nachricht.v1"}`), CodeRefBan, "/properties/a/$ref"},
		{"a pointer into properties", prop(`{"$ref": "#/properties/b"}`), CodeRefBan, "/properties/a/$ref"},
		{"gone", prop(`{"$ref": "#/$defs/b"}`), CodeRefGone, "/properties/a"},
		{"shared, gone", prop(`{"$ref": "urn:amtsbote:schema:gemeinsam.nichts"}`), CodeRefGone, "/properties/a"},
		{"itself", prop(`{"$ref": "#"}`), CodeRefLoop, "/properties/a/$ref"},
		{"in a circle", prop(`{"$ref": "#/$defs/b"}`) + `, "$defs": {"b": {"$ref": "#/$defs/c"}, "c": {"$ref": "#/$defs/b"}}`, CodeRefLoop, "/properties/a"},
		{"recursive", prop(`{"$ref": "#/$defs/b"}`) + `, "$defs": {"b": {` + closed + `"properties": {"b": {"$ref": "#/$defs/b"}}}}`, CodeRefLoop, "/properties/a"},
		{"wrong type of keyword", prop(`{"maxLength": "x"}`), CodeMeta, "/properties/a/maxLength"},
		{"unknown type", prop(`{"type": "strnig"}`), CodeMeta, "/properties/a/type"},
		{"no mark", `"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}`, CodeMark, "/properties/a"},
		{"open through allOf", prop(`{"allOf": [{"type": "object", "properties": {"b": {}}}]}`), CodeOpen, "/properties/a"},
		{"open in one branch", prop(`{"oneOf": [{"type": "object", "properties": {"b": {}}, "additionalProperties": false}, {"type": "object"}]}`), CodeOpen, "/properties/a"},
		{"open items", prop(`{"type": "array", "allOf": [{"items": {"type": "object"}}]}`), CodeOpen, "/properties/a"},
		{"open by a reference", prop(`{}`) + `, "allOf": [{"properties": {"a": {"properties": {"b": {}}}}}]`, CodeOpen, "/properties/a"},
		{"block where nobody looks", prop(`{"type": "object", "additionalProperties": {"x-sperre": "auskunftssperre"}}`), CodeMark, "/properties/a/additionalProperties/x-sperre"},
		{"block by a pattern", prop(`{"type": "object", "additionalProperties": false, "patternProperties": {"^s": {"x-sperre": "auskunftssperre"}}}`), CodeMark, "/properties/a/patternProperties/^s/x-sperre"},
		{"block in contains", prop(`{"type": "array", "contains": {"properties": {"s": {"x-sperre": "auskunftssperre"}}}}`), CodeMark, "/properties/a/contains/properties/s/x-sperre"},
		{"category where nobody looks", prop(`{"type": "object", "unevaluatedProperties": {"x-datenkategorie": "stammdaten"}}`), CodeMark, "/properties/a/unevaluatedProperties/x-datenkategorie"},
		{"wrong mark", prop(`{"type": "string", "x-datenkategorie": "Ä"}`), CodeMark, "/properties/a/x-datenkategorie"},
		{"unknown mark", prop(`{"type": "string", "x-personal": true}`), CodeMark, "/properties/a/x-personal"},
		{"condition name", prop(`{"type": "string", "x-bedingung": "Deutsch"}`), CodeMark, "/properties/a/x-bedingung"},
		{"condition on an object", prop(`{` + closed + `"x-bedingung": "d"}`), CodeMark, "/properties/a"},
		{"condition in a list", prop(`{"type": "array", "items": {"type": "string", "x-bedingung": "d"}}`), CodeMark, "/properties/a"},
		{"condition named as an attribute", prop(`{"type": "string", "x-bedingung": "ags"}`), CodeMark, "/properties/a"},
		{"condition twice", closed + `"properties": {"a": {"type": "string", "x-bedingung": "d"}, "b": {"type": "string", "x-bedingung": "d"}}`, CodeMark, "/properties/b"},
		{"attribute name", closed + `"x-attribute": ["xoev-code"]`, CodeMark, "/x-attribute"},
		{"attribute of all", closed + `"x-attribute": ["ags"]`, CodeMark, "/x-attribute"},
		{"keep", closed + `"x-keep": "7 Tage"`, CodeMark, "/x-keep"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s, errs := admitText(tc.members)
			if s != nil || len(errs) == 0 {
				t.Fatalf("admitted")
			}
			p := problem(t, errs[0])
			if len(errs) > 1 && tc.code != CodeMark {
				t.Errorf("more than one problem: %v", errs)
			}
			if p.Code != tc.code || p.Pointer != tc.pointer || p.Line == 0 {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func problem(t *testing.T, err error) *Problem {
	t.Helper()
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		t.Fatalf("%v is no Problem", err)
	}
	return p
}

func TestAdmitPosition(t *testing.T) {
	_, errs := admitText(closed + "\n  \"properties\": {\n    \"ä\": 1,\n \"b\" :  { \"enum\": [ ] }}")
	if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "schema.json:8:11: SCHEMA_KEYWORD: ") {
		t.Errorf("%v", errs)
	}
	_, errs = (&Registry{}).Admit("de.test.v1", "schema.json", []byte("{\n  \"a\": 1,\n  \"a\": 2\n}"))
	if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "schema.json:3:3: SCHEMA_JSON: ") {
		t.Errorf("%v", errs)
	}
}

// Doubling references cost nothing: they are counted while they are resolved.
func TestAdmitCost(t *testing.T) {
	alone(t)
	var defs []string
	for i := range 40 {
		defs = append(defs, fmt.Sprintf(`"d%d": {"anyOf": [{"$ref": "#/$defs/d%d"}, {"$ref": "#/$defs/d%d"}]}`, i, i+1, i+1))
	}
	start := time.Now()
	s, errs := admitText(closed + `"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {` + strings.Join(defs, ",") + `, "d40": {"type": "string"}}`)
	if s != nil || len(errs) == 0 || problem(t, errs[len(errs)-1]).Code != CodeCost {
		t.Errorf("%v", errs)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v", d)
	}
}

// TestAdmitWeighs: a short file does not become a large schema through its
// references: not by depth, not by what is copied with them.
func TestAdmitWeighs(t *testing.T) {
	alone(t)
	chain := func(n int) string {
		var defs []string
		for i := range n {
			defs = append(defs, fmt.Sprintf(`"d%d": {"anyOf": [{"$ref": "#/$defs/d%d"}]}`, i, i+1))
		}
		return field(`{"$ref": "#/$defs/d0"}`) + `, "$defs": {` + strings.Join(defs, ",") + fmt.Sprintf(`, "d%d": {"type": "string"}}`, n)
	}
	copies := func(n int, def string) string {
		return closed + `"properties": {` + count(n, `"p%d": {"$ref": "#/$defs/d"}`) + `}, "$defs": {"d": ` + def + `}`
	}
	for name, c := range map[string]struct{ fits, dear string }{
		"nesting":     {chain(maxNesting/2 - 3), chain(maxNesting + 1)},
		"enumeration": {copies(50, `{"enum": [`+count(1000, "%d")+`]}`), copies(4000, `{"enum": [`+count(1000, "%d")+`]}`)},
		"text":        {copies(2, `{"const": "`+strings.Repeat("x", 100_000)+`"}`), copies(4000, `{"const": "`+strings.Repeat("x", 100_000)+`"}`)},
		"pattern":     {copies(10, `{"pattern": "(a{1000}){1}"}`), copies(4000, `{"pattern": "`+strings.Repeat("a{1000}", 10)+`"}`)},
		"name pattern": {
			copies(10, `{"type": "object", "additionalProperties": false, "patternProperties": {"(a{1000}){1}": {}}}`),
			copies(1000, `{"type": "object", "additionalProperties": false, "patternProperties": {"(a{1000}){1}": {}}}`),
		},
		"blocks": {
			closed + `"properties": {` + count(maxSperren, `"p%d": {"x-sperre": "a"}`) + `}`,
			closed + `"properties": {` + count(maxSperren+1, `"p%d": {"x-sperre": "a"}`) + `}`,
		},
		"name": {
			copies(2, `{"type": "object", "additionalProperties": false, "properties": {"`+strings.Repeat("x", 100_000)+`": {}}}`),
			copies(1000, `{"type": "object", "additionalProperties": false, "properties": {"`+strings.Repeat("x", 100_000)+`": {}}}`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, errs := admitText(c.fits); errs != nil {
				t.Errorf("refused: %v", errs)
			}
			began := time.Now()
			_, errs := admitText(c.dear)
			if len(errs) == 0 || problem(t, errs[0]).Code != CodeCost {
				t.Errorf("not too dear: %v", errs)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("to refuse it took %v", took)
			}
		})
	}
}

// shared gives a folder of the shared material, or skips.
func shared(t *testing.T, path string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", path)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("AMTSBOTE_INTEROP") == "must" {
			t.Fatalf("%s is missing and AMTSBOTE_INTEROP=must", dir)
		}
		t.Skipf("SKIPPED: %s is not here", dir)
	}
	return dir
}

// besides lists what else is wrong with a schema of the corpus, since each shows
// one thing and leaves out the rest.
var besides = map[string]string{
	"schema/ref-file-relative.json": CodeMeta, // the $id
	"schema/unknown-draft.json":     CodeOpen,
}

// TestCorpusSchemas: every schema of the corpus, dressed as an event schema, gets
// the verdict and the code of its index.
func TestCorpusSchemas(t *testing.T) {
	for _, in := range corpusOf(t, "schema") {
		t.Run(in.File, func(t *testing.T) {
			s, errs := (&Registry{}).Admit("de.umzug.v1", in.File, dressed(t, in.data))
			var codes []string
			for _, err := range errs {
				p := problem(t, err)
				if p.De == "" || p.En == "" || p.De == p.En {
					t.Errorf("%s lacks its sentences: %+v", p.Code, p)
				}
				if p.Code != besides[in.File] && !slices.Contains(codes, p.Code) {
					codes = append(codes, p.Code)
				}
			}
			switch in.Expect {
			case "schema-accept":
				if s == nil || errs != nil {
					t.Errorf("refused: %v", errs)
				}
			case "schema-reject":
				if s != nil || !slices.Equal(codes, []string{in.Code}) {
					t.Errorf("%v, want %s", errs, in.Code)
				}
			default:
				t.Errorf("the verdict %q is unknown", in.Expect)
			}
		})
	}
}

// dressed makes a schema of the corpus an event schema: as the root where it
// says that it is an object or what it is called, as a field where not. What it
// says itself stays, but for the name of the corpus's own schema.
func dressed(t *testing.T, raw []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	root, _ := v.(map[string]any)
	if root["type"] != "object" && root["$id"] == nil {
		defs := root["$defs"]
		delete(root, "$defs")
		root = map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{"a": v}}
		if defs != nil {
			root["$defs"] = defs
		}
	}
	if root["$id"] == nil || root["$id"] == "urn:schema:umzug:v1" {
		root["$id"] = IDPrefix + "de.umzug.v1"
	}
	if root["$schema"] == nil {
		root["$schema"] = draft
	}
	root["title"], root["x-nicht-personenbezogen"] = "Umzug", true
	raw, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

type corpusInput struct {
	Kind, File, Expect, Code string
	data                     []byte
}

// corpusSeeds gives the files of a kind; none where the corpus is missing.
func corpusSeeds(f *testing.F, kind string) [][]byte {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "corpus", kind, "*"))
	if err != nil || len(files) == 0 {
		f.Logf("without seeds of the corpus of bad inputs, which is missing: %v", err)
	}
	var seeds [][]byte
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, raw)
	}
	return seeds
}

// corpusOf gives the inputs of a kind: all that the index names, and no file is
// left over.
func corpusOf(t *testing.T, kind string) []corpusInput {
	t.Helper()
	dir := shared(t, "corpus")
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Inputs []corpusInput }
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	of := slices.DeleteFunc(index.Inputs, func(in corpusInput) bool { return in.Kind != kind })
	for i := range of {
		if of[i].data, err = os.ReadFile(filepath.Join(dir, of[i].File)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Join(dir, kind))
	if err != nil || len(files) != len(of) || len(of) == 0 {
		t.Fatalf("%d files, %d in the index: %v", len(files), len(of), err)
	}
	return of
}

// TestCorpusPayloads: every payload of the corpus gets the verdict that its
// index names from the gate (decode) or the schema.
func TestCorpusPayloads(t *testing.T) {
	dir := shared(t, "corpus")
	raw, err := os.ReadFile(filepath.Join(dir, "schema-umzug.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	doc["$id"], doc["title"], doc["x-nicht-personenbezogen"] = "urn:amtsbote:schema:de.umzug.v1", "Umzug", true
	raw, _ = json.Marshal(doc)
	s, errs := (&Registry{}).Admit("de.umzug.v1", "schema.json", raw)
	if errs != nil {
		t.Fatal(errs)
	}
	for _, in := range corpusOf(t, "payload") {
		doc, err := decode(in.data)
		got := ""
		switch {
		case err != nil:
			got = "NUMBER_LIMIT"
		case s.Validate(doc) != nil:
			got = "SCHEMA_INVALID"
		}
		if got != in.Code || (got == "") != (in.Expect == "accept") {
			t.Errorf("%s: %q, want %s %q", in.File, got, in.Expect, in.Code)
		}
	}
}
