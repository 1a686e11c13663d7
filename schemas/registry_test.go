package schemas

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func embeddedForTest(t *testing.T) *Registry {
	t.Helper()
	r, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAdmission holds every schema that comes with the program to the rules for
// a directory's own ones, examples included.
func TestAdmission(t *testing.T) {
	r, errs := (&Registry{}).With(files)
	for _, err := range errs {
		t.Error(err)
	}
	if r == nil {
		return
	}
	want := folders(t)
	if !slices.Contains(want, "de.meldewesen.wohnung-angemeldet.v1") || !slices.Equal(r.Types(), want) {
		t.Errorf("types = %v, want %v", r.Types(), want)
	}
	for _, typ := range r.Types() {
		s, ok := r.Lookup(typ)
		byID, found := r.ByID("urn:amtsbote:schema:" + typ)
		if !ok || !found || byID != s || s.Title == "" || s.Keep <= 0 || len(s.Raw) == 0 {
			t.Errorf("%s is incomplete: %+v", typ, s)
		}
	}
}

// folders lists the types that have a folder beside this file, embedded or not.
func folders(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && typeName.MatchString(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestMarks(t *testing.T) {
	s, _ := embeddedForTest(t).Lookup("de.meldewesen.wohnung-angemeldet.v1")
	conditions := map[string]string{"deutsch": "/person/deutsch", "schulpflichtig": "/person/schulpflichtig"}
	if !maps.Equal(s.Bedingungen, conditions) {
		t.Errorf("Bedingungen = %v", s.Bedingungen)
	}
	want := []Sperre{
		{"/sperren/auskunftssperre", "auskunftssperre"},
		{"/sperren/bedingterSperrvermerk", "bedingter-sperrvermerk"},
		{"/sperren/uebermittlungssperren", "uebermittlungssperre"},
	}
	if !slices.Equal(s.Sperren, want) {
		t.Errorf("Sperren = %v", s.Sperren)
	}
	categories := map[string]string{}
	for _, f := range s.Fields() {
		categories[f.Pointer] = f.Datenkategorie
	}
	for pointer, category := range map[string]string{
		"/person": "", "/person/name": "stammdaten", "/person/name/familienname": "stammdaten",
		"/bisherigeAnschrift/ort": "anschrift", "/einzug": "meldedaten", "/sperren/auskunftssperre": "",
	} {
		if got, ok := categories[pointer]; !ok || got != category {
			t.Errorf("category of %s = %q, %v", pointer, got, ok)
		}
	}
}

// own is a namespace of a federation directory with one type.
func own() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const d = "de.beispiel.ort-gemeldet.v1/"
	return fstest.MapFS{
		d + "schema.json": file(`{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "urn:amtsbote:schema:de.beispiel.ort-gemeldet.v1",
  "title": "Ort gemeldet",
  "type": "object",
  "additionalProperties": false,
  "required": ["wo"],
  "properties": {
    "wo": { "$ref": "urn:amtsbote:schema:gemeinsam.anschrift" },
    "stufe": { "$ref": "urn:amtsbote:schema:gemeinsam.stufe" }
  }
}`),
		"gemeinsam/stufe.json": file(`{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:amtsbote:schema:gemeinsam.stufe", "title": "Stufe", "enum": [1, 2], "x-nicht-personenbezogen": true}`),
		d + "valid/a.json":     file(`{"wo": {"ags": "09162000", "strasse": "Tal", "plz": "80331", "ort": "München"}}`),
		d + "valid/b.json":     file(`{"wo": {"ags": "09162000", "strasse": "Tal", "plz": "80331", "ort": "München"}, "stufe": 2}`),
		d + "invalid/a.json":   file(`{}`),
		d + "invalid/b.json":   file(`{"wo": {"ags": "09162000", "strasse": "Tal", "plz": "80331"}}`),
		d + "invalid/c.json":   file(`{"wo": {"ags": "09162000", "strasse": "Tal", "plz": "80331", "ort": "München"}, "stufe": 3}`),
		d + "invalid.json":     file(`{"a.json": {"pointer": "", "keyword": "required"}, "b.json": {"pointer": "/wo", "keyword": "required"}, "c.json": {"pointer": "/stufe", "keyword": "enum"}}`),
		"README.md":            file("x"),
	}
}

func TestWith(t *testing.T) {
	r := embeddedForTest(t)
	with, errs := r.With(own())
	if errs != nil {
		t.Fatal(errs)
	}
	if _, ok := with.Lookup("de.beispiel.ort-gemeldet.v1"); !ok {
		t.Error("the own type is not there")
	}
	if _, ok := with.Lookup("de.xoev.nachricht.v1"); !ok {
		t.Error("an embedded type is gone")
	}
	if _, ok := r.Lookup("de.beispiel.ort-gemeldet.v1"); ok {
		t.Error("the embedded registry has changed")
	}
}

func TestWithReportsAll(t *testing.T) {
	const d = "de.beispiel.ort-gemeldet.v1/"
	tests := []struct {
		name   string
		change func(fstest.MapFS)
		code   string
		file   string
	}{
		{"a type that is embedded", func(m fstest.MapFS) { m["de.xoev.nachricht.v1/schema.json"] = m[d+"schema.json"] }, CodeTaken, "de.xoev.nachricht.v1/schema.json"},
		{"a shared part that is embedded", func(m fstest.MapFS) { m["gemeinsam/name.json"] = m["gemeinsam/stufe.json"] }, CodeTaken, "gemeinsam/name.json"},
		{"no schema", func(m fstest.MapFS) { delete(m, d+"schema.json") }, CodeLayout, d + "schema.json"},
		{"a stray file", func(m fstest.MapFS) { m["notes.txt"] = m["README.md"] }, CodeLayout, "notes.txt"},
		{"a stray file of a type", func(m fstest.MapFS) { m[d+"x.json"] = m[d+"valid/a.json"] }, CodeLayout, d + "x.json"},
		{"no authority names, a version", func(m fstest.MapFS) { m["de.beispiel/schema.json"] = m["README.md"] }, CodeLayout, "de.beispiel"},
		{"too few examples", func(m fstest.MapFS) { delete(m, d+"valid/b.json") }, CodeExample, d + "valid"},
		{"a valid example that is not", func(m fstest.MapFS) { m[d+"valid/b.json"] = m[d+"invalid/a.json"] }, CodeExample, d + "valid/b.json"},
		{"an invalid example that is valid", func(m fstest.MapFS) { m[d+"invalid/a.json"] = m[d+"valid/a.json"] }, CodeExample, d + "invalid/a.json"},
		{"another reason", func(m fstest.MapFS) { m[d+"invalid/c.json"] = m[d+"invalid/a.json"] }, CodeExample, d + "invalid/c.json"},
		{"no reason", func(m fstest.MapFS) { m[d+"invalid/d.json"] = m[d+"invalid/a.json"] }, CodeExample, d + "invalid.json"},
		{"an example missing", func(m fstest.MapFS) { delete(m, d+"invalid/c.json") }, CodeExample, d + "invalid.json"},
		{"no index", func(m fstest.MapFS) { delete(m, d+"invalid.json") }, CodeExample, d + "invalid.json"},
		{"an example that is no JSON", func(m fstest.MapFS) { m[d+"valid/a.json"] = m["README.md"] }, CodeExample, d + "valid/a.json"},
		{"too large", func(m fstest.MapFS) {
			m[d+"schema.json"] = &fstest.MapFile{Data: []byte(strings.Repeat(" ", maxBytes+1))}
		}, CodeLayout, d + "schema.json"},
		{"a link", func(m fstest.MapFS) { m[d+"schema.json"] = &fstest.MapFile{Mode: fs.ModeDevice} }, CodeLayout, d + "schema.json"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			m := own()
			tc.change(m)
			r, errs := embeddedForTest(t).With(m)
			if r != nil || !slices.ContainsFunc(errs, func(err error) bool {
				p := problem(t, err)
				return p.Code == tc.code && p.File == tc.file && p.De != "" && p.En != ""
			}) {
				t.Errorf("registry %v, errors %v, want %s in %s", r, errs, tc.code, tc.file)
			}
		})
	}
}
