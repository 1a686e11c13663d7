package schemas

import (
	"fmt"
	"slices"
	"testing"
)

// addressed admits a schema with an address of each kind, the dvdv one in a
// shared part.
func addressed(t *testing.T) *Schema {
	t.Helper()
	s, errs := admitText(closed + `"properties": {
		"zuzug": {` + closed + `"properties": {"ags": {"type": "string", "x-adresse": "ags"}}},
		"ars": {"type": ["string", "null"], "x-adresse": "ars"},
		"amt": {"$ref": "urn:amtsbote:schema:gemeinsam.behoerde", "allOf": [{"properties": {"kennung": {"x-adresse": "dvdv"}}}]},
		"a/b": {"type": "string", "x-adresse": "ags"},
		"ohne": {"type": "string"}
	}`)
	if errs != nil {
		t.Fatal(errs)
	}
	return s
}

func TestAdressen(t *testing.T) {
	want := []Adresse{{"/a~1b", ArtAGS}, {"/amt/kennung", ArtDVDV}, {"/ars", ArtARS}, {"/zuzug/ags", ArtAGS}}
	if got := addressed(t).Adressen; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// Addresses stand where one is meant, not wherever a place or an authority is.
func TestEmbeddedAdressen(t *testing.T) {
	for typ, want := range map[string][]Adresse{
		"de.meldewesen.wohnung-angemeldet.v1":       nil,
		"de.meldewesen.anmeldung-eingegangen.v1":    {{"/anschrift/ags", ArtAGS}},
		"de.meldewesen.rueckmeldung-gesandt.v1":     {{"/wegzugsbehoerde/kennung", ArtDVDV}},
		"de.meldewesen.rueckmeldung-ausgewertet.v1": {{"/wegzugsbehoerde/kennung", ArtDVDV}, {"/zuzugsbehoerde/kennung", ArtDVDV}},
		"de.tod.beurkundet.v1":                      {{"/meldebehoerde/kennung", ArtDVDV}},
		"de.geburt.beurkundet.v1":                   {{"/jugendamt/kennung", ArtDVDV}, {"/meldebehoerde/kennung", ArtDVDV}},
	} {
		s, ok := embeddedForTest(t).Lookup(typ)
		if !ok || !slices.Equal(s.Adressen, want) {
			t.Errorf("%s: addresses %v, want %v", typ, s.Adressen, want)
		}
	}
}

func TestAdresse(t *testing.T) {
	s := addressed(t)
	tests := []struct{ pointer, doc, want string }{
		{"/zuzug/ags", `{"zuzug": {"ags": "09162000"}}`, "ags:09162000"},
		{"/zuzug/ags", `{"zuzug": {"ags": "0916200"}}`, ""},
		{"/zuzug/ags", `{"zuzug": {"ags": "091620000000"}}`, ""},
		{"/zuzug/ags", `{"zuzug": {"ags": "0916200x"}}`, ""},
		{"/zuzug/ags", `{"zuzug": {"ags": "09162000\n"}}`, ""},
		{"/zuzug/ags", `{"zuzug": {"ags": 9162000}}`, ""},
		{"/zuzug/ags", `{"zuzug": {"ags": null}}`, ""},
		{"/zuzug/ags", `{"zuzug": {}}`, ""},
		{"/zuzug/ags", `{"zuzug": [{"ags": "09162000"}]}`, ""},
		{"/zuzug/ags", `{"zuzug": "09162000"}`, ""},
		{"/zuzug/ags", `{}`, ""},
		{"/zuzug/ags", `null`, ""},
		{"/a~1b", `{"a/b": "02000000"}`, "ags:02000000"},
		{"/ars", `{"ars": "091620000000"}`, "ags:09162000"},
		{"/ars", `{"ars": "010515163003"}`, "ags:01051003"},
		{"/ars", `{"ars": "09162000"}`, ""},
		{"/ars", `{"ars": null}`, ""},
		{"/amt/kennung", `{"amt": {"kennung": "psw:09162000"}}`, "psw:09162000"},
		{"/amt/kennung", `{"amt": {"kennung": "töj:5"}}`, "töj:5"},
		{"/amt/kennung", `{"amt": {"kennung": "09162000"}}`, ""},
		{"/amt/kennung", `{"amt": {"kennung": "ags:0916 2000"}}`, ""},
		{"/amt/kennung", `{"amt": {"kennung": ":09162000"}}`, ""},
		{"/ohne", `{"ohne": "09162000"}`, ""},
		{"/nichts", `{"nichts": "09162000"}`, ""},
		{"", `"09162000"`, ""},
	}
	for _, tc := range tests {
		got, ok := s.Adresse(doc(t, tc.doc), tc.pointer)
		if got != tc.want || ok != (tc.want != "") {
			t.Errorf("%s of %s: %q, %v, want %q", tc.pointer, tc.doc, got, ok, tc.want)
		}
	}
}

func TestAdresseRefused(t *testing.T) {
	tests := []struct{ name, field, pointer string }{
		{"unknown kind", `{"type": "string", "x-adresse": "plz"}`, "/properties/a/x-adresse"},
		{"no text", `{"type": "string", "x-adresse": true}`, "/properties/a/x-adresse"},
		{"on an item", `{"type": "array", "items": {"type": "string", "x-adresse": "ags"}}`, "/properties/a"},
		{"on a list", `{"type": "array", "items": {"type": "string"}, "x-adresse": "ags"}`, "/properties/a"},
		{"within an item", `{"type": "array", "items": {` + closed + `"properties": {"b": {"type": "string", "x-adresse": "ags"}}}}`, "/properties/a/items/properties/b"},
		{"on an object", `{` + closed + `"x-adresse": "ags", "properties": {"b": {"type": "string"}}}`, "/properties/a"},
		{"on a number", `{"type": "integer", "x-adresse": "ags"}`, "/properties/a"},
		{"on a text or number", `{"type": ["string", "integer"], "x-adresse": "ags"}`, "/properties/a"},
		{"on anything", `{"x-adresse": "ags"}`, "/properties/a"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s, errs := admitText(fmt.Sprintf(`%s"properties": {"a": %s}`, closed, tc.field))
			if s != nil || len(errs) != 1 {
				t.Fatalf("errors %v", errs)
			}
			if p := problem(t, errs[0]); p.Code != CodeMark || p.Pointer != tc.pointer || p.Line == 0 {
				t.Errorf("got %+v", p)
			}
		})
	}
	if s, errs := admitText(`"x-adresse": "ags", ` + closed + `"properties": {}`); s != nil || len(errs) != 1 {
		t.Errorf("at the root: %v", errs)
	}
}
