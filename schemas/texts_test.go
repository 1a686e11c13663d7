package schemas

import (
	"io/fs"
	"strings"
	"testing"
)

func TestTexts(t *testing.T) {
	s, errs := admitText(`"x-title-en": "Test (en)", "description": "d", "x-description-en": "d (en)", ` + closed + `"properties": {
		"name": {"$ref": "urn:amtsbote:schema:gemeinsam.name", "title": "Braut", "x-title-en": "Bride"},
		"liste": {"type": "array", "title": "Liste", "items": {"title": "Eintrag", "x-title-en": "Entry", "type": "string"}},
		"amt": {"allOf": [{"$ref": "urn:amtsbote:schema:gemeinsam.behoerde"}]}
	}`)
	if errs != nil {
		t.Fatal(errs)
	}
	if s.Title != "Test" || s.TitleEn != "Test (en)" || s.Description != "d" || s.DescriptionEn != "d (en)" {
		t.Errorf("the root: %q %q %q %q", s.Title, s.TitleEn, s.Description, s.DescriptionEn)
	}
	want := map[string]string{
		"/name": "Braut/Bride", "/name/familienname": "Familienname/Family name",
		"/liste": "Liste/", "/amt": "Behörde/Authority",
	}
	for _, f := range s.Fields() {
		if got := f.Title + "/" + f.TitleEn; want[f.Pointer] != "" && got != want[f.Pointer] {
			t.Errorf("%s: %s, want %s", f.Pointer, got, want[f.Pointer])
		}
		delete(want, f.Pointer)
	}
	if len(want) > 0 {
		t.Errorf("no fields %v", want)
	}
	for _, mark := range []string{"x-title-en", "x-description-en"} {
		for _, value := range []string{`""`, `" "`, `1`} {
			_, errs := admitText(closed + `"properties": {"a": {"` + mark + `": ` + value + `}}`)
			if len(errs) != 1 || problem(t, errs[0]).Pointer != "/properties/a/"+mark {
				t.Errorf("%s %s: %v", mark, value, errs)
			}
		}
	}
}

// TestEmbeddedTexts: what comes with the program tells of each field what it
// is, in both languages.
func TestEmbeddedTexts(t *testing.T) {
	r := embeddedForTest(t)
	fields := 0
	complete := func(where string, texts ...string) {
		for i, name := range []string{"title", "x-title-en", "description", "x-description-en"} {
			if strings.TrimSpace(texts[i]) == "" {
				t.Errorf("%s has no %s", where, name)
			}
		}
	}
	for _, typ := range r.Types() {
		s, _ := r.Lookup(typ)
		complete(typ, s.Title, s.TitleEn, s.Description, s.DescriptionEn)
		for _, f := range s.Fields() {
			fields++
			complete(typ+" "+f.Pointer, f.Title, f.TitleEn, f.Description, f.DescriptionEn)
		}
	}
	if fields == 0 {
		t.Error("no fields")
	}
}

// TestEmbeddedTextsComeInPairs: beside a $ref a German text alone would stand
// with the English one of something else.
func TestEmbeddedTextsComeInPairs(t *testing.T) {
	var pairs func(file string, node map[string]any, at string)
	pairs = func(file string, node map[string]any, at string) {
		for de, en := range map[string]string{"title": "x-title-en", "description": "x-description-en"} {
			if (node[de] == nil) != (node[en] == nil) {
				t.Errorf("%s %s: %s and %s are not both there", file, at, de, en)
			}
		}
		for _, c := range children(node) {
			if n, ok := c.node.(map[string]any); ok {
				pairs(file, n, at+c.pointer)
			}
		}
	}
	for _, pattern := range []string{"de.*/schema.json", "gemeinsam/*.json"} {
		found, err := fs.Glob(files, pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		for _, file := range found {
			raw, err := files.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			root, _ := doc(t, string(raw)).(map[string]any)
			pairs(file, root, "")
		}
	}
}
