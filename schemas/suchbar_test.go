package schemas

import (
	"slices"
	"strings"
	"testing"
)

func TestSuchbar(t *testing.T) {
	s, errs := admitText(closed + `"x-suchbar-attribute": ["causationid"], "properties": {
		"akte": {"type": "string", "x-suchbar": "aktenzeichen"},
		"ereignisse": {"type": "array", "items": {` + closed + `"properties": {"zeichen": {"type": ["string", "null"], "x-suchbar": "ereigniszeichen"}, "anderes": {"type": "string"}}}},
		"ohne": {"type": "string"}
	}`)
	if errs != nil {
		t.Fatal(errs)
	}
	want := []Suchbar{{"/akte", "aktenzeichen"}, {"/ereignisse/zeichen", "ereigniszeichen"}}
	if !slices.Equal(s.Suchbar, want) || !slices.Equal(s.SuchbarAttribute, []string{"causationid"}) {
		t.Error(s.Suchbar, s.SuchbarAttribute)
	}
	for raw, want := range map[string]string{
		`{"akte": "A \u00dc/1", "ereignisse": [{"zeichen": "z1", "anderes": "x"}, {"zeichen": null}, {"zeichen": "z2"}], "ohne": "y"}`: "A Ü/1 z1 z2",
		`{"akte": 7, "ereignisse": "z"}`:                              "",
		`{"akte": ["a", {"b": "c"}], "ereignisse": {"zeichen": "z"}}`: "a z", // against the schema
		`[]`: "", `null`: "", ``: "",
		`{"akte": "` + strings.Repeat("x", maxSuchbarLen+1) + `"}`:                      "",
		`{"ereignisse": [` + strings.Repeat(`{"zeichen": "z"},`, 2*MaxSuchbar) + `{}]}`: strings.TrimSpace(strings.Repeat("z ", MaxSuchbar)),
	} {
		var got []string
		for _, one := range s.Searched([]byte(raw)) {
			got = append(got, one.Value)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.80s: %q", raw, got)
		}
	}
}

// Only what names a matter can be searched for: names and dates of birth never.
func TestSuchbarRefused(t *testing.T) {
	for name, properties := range map[string]string{
		"a name":         `"n": {"type": "string", "x-datenkategorie": "stammdaten", "x-suchbar": "name"}`,
		"a parent's":     `"p": {` + closed + `"x-datenkategorie": "stammdaten", "properties": {"n": {"type": "string", "x-suchbar": "name"}}}`,
		"a shared part":  `"n": {"$ref": "urn:amtsbote:schema:gemeinsam.geburtsdatum", "x-suchbar": "geburtsdatum"}`,
		"a plate":        `"n": {"type": "string", "x-datenkategorie": "fahrzeug", "x-suchbar": "kennzeichen"}`,
		"a block":        `"n": {"type": "string", "x-sperre": "auskunftssperre", "x-suchbar": "sperre"}`,
		"a date":         `"n": {"type": "string", "format": "date", "x-suchbar": "datum"}`,
		"a number":       `"n": {"type": "integer", "x-suchbar": "nummer"}`,
		"a list of text": `"n": {"type": "array", "items": {"type": "string", "x-suchbar": "nummer"}}`,
		"an object":      `"n": {` + closed + `"x-suchbar": "nummer", "properties": {"m": {"type": "string"}}}`,
		"no word":        `"n": {"type": "string", "x-suchbar": true}`,
		"nowhere":        `"n": {"type": "string", "not": {"x-suchbar": "nummer"}}, "m": {` + closed + `"properties": {}, "patternProperties": {"^a$": {"type": "string", "x-suchbar": "nummer"}}}`,
	} {
		if _, errs := admitText(closed + `"properties": {` + properties + `}`); len(errs) == 0 {
			t.Error("admitted: " + name)
		}
	}
	for _, list := range []string{`"subject"`, `["source"]`, `["subject", "subject"]`, `[1]`, `["fremd"]`} {
		if _, errs := admitText(closed + `"x-suchbar-attribute": ` + list + `, "properties": {}`); len(errs) == 0 {
			t.Error("admitted: " + list)
		}
	}
	if _, errs := admitText(closed + `"x-attribute": ["eigen"], "x-suchbar-attribute": ["eigen", "subject"], "properties": {}`); len(errs) > 0 {
		t.Error(errs)
	}
}

// What comes with the program marks what callers have.
func TestEmbeddedSuchbar(t *testing.T) {
	for typ, want := range map[string]Suchbar{
		"de.meldewesen.anmeldung-angenommen.v1":  {"/aktenzeichen", "aktenzeichen"},
		"de.meldewesen.anmeldung-eingegangen.v1": {"/kopf/nachrichtenUUID", "nachrichtenuuid"},
		"de.meldewesen.rueckmeldung-gesandt.v1":  {"/ereignis/zeichen", "ereigniszeichen"},
		"de.xoev.nachricht.v1":                   {"/ereignisse/zeichen", "ereigniszeichen"},
	} {
		s, ok := embeddedForTest(t).Lookup(typ)
		if !ok || !slices.Contains(s.Suchbar, want) {
			t.Errorf("%s: %v", typ, s.Suchbar)
		}
	}
}
