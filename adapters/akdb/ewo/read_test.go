package ewo_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

func recorded(t *testing.T, elem ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(interop.Path(t, append([]string{"data", "city"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// EWOSucheMitOMResponse.json: the person stands below personErweitert, the
// subtype in "@type" with a prefix, booleans are texts.
func TestRecordedPerson(t *testing.T) {
	p, err := ewo.Read(recorded(t, "ehrenamt-ewo", "EWOSucheMitOMResponse.json"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Ordnungsmerkmal() != "162015039514" || p.Familienname() != "Wimtest-zwei-ohne-Pass" || p.Vornamen() != "Franklin" ||
		p.Geburtsdatum() != "1990-09-20" || p.Status() != "AKTUELLER_FESTER_EINWOHNER" || p.Verstorben() || p.Sperren().Any() {
		t.Errorf("read %+v", p)
	}
	if d := cmp.Diff([]string{"232"}, p.Staatsangehoerigkeiten()); d != "" {
		t.Error(d)
	}
	w, ok := p.Hauptwohnung()
	want := ewo.Wohnung{
		Art: ewo.AktuelleWohnung, Nutzungszustand: "EINZIGE_WOHNUNG", Einzug: "2020-04-09",
		Anschrift: ewo.Anschrift{AGS: "09162000", Strasse: "Alexandrastr.", Hausnummer: "0", PLZ: "80538", Ort: "München"},
	}
	if d := cmp.Diff(want, w); d != "" || !ok {
		t.Error(ok, d)
	}
	if all := p.Wohnungen(); len(all) != 2 || all[1].Art != ewo.ZuzugsWohnung || all[1].Auszug != "2020-04-09" || all[1].Anschrift.Staat != "232" {
		t.Errorf("dwellings %+v", all)
	}
}

// EWOSucheResponse.json: hits below antwortErweitert/personErweitert, with
// leftovers of XML.
func TestRecordedHits(t *testing.T) {
	hits, err := ewo.ReadHits(recorded(t, "ehrenamt-ewo", "EWOSucheResponse.json"))
	if err != nil || len(hits) != 2 {
		t.Fatal(len(hits), err)
	}
	alone, err := ewo.Read(recorded(t, "ehrenamt-ewo", "EWOSucheMitOMResponse.json"))
	if err != nil {
		t.Fatal(err)
	}
	// The same person read alone and found: the leftovers make no difference.
	if d := cmp.Diff(groups(t, alone), groups(t, hits[1])); d != "" {
		t.Error(d)
	}
	if _, there := groups(t, hits[0])[ewo.GruppeFamilie]; !there {
		t.Error("the partner is in no group")
	}
}

// EWOSucheKeinResponse.json: an unknown person is an empty object.
func TestRecordedUnknown(t *testing.T) {
	raw := recorded(t, "ehrenamt-ewo", "EWOSucheKeinResponse.json")
	if p, err := ewo.Read(raw); p != nil || err != nil {
		t.Error(p, err)
	}
	if hits, err := ewo.ReadHits(raw); len(hits) != 0 || err != nil {
		t.Error(hits, err)
	}
}

func groups(t *testing.T, p *ewo.Person) map[ewo.Gruppe]string {
	t.Helper()
	all, err := p.Gruppen()
	if err != nil {
		t.Fatal(err)
	}
	out := map[ewo.Gruppe]string{}
	for g, raw := range all {
		out[g] = string(raw)
	}
	return out
}

const bare = `{"ordnungsmerkmal":"162000000001","namen":{"familienname":{"name":"Zaunkönig","namensbestandteil":"von"},
 "vornamen":{"vorname":"Ottilie","rufname":true}},"geburtsdaten":{"datum":{"jahrMonat":"1985-08"}},"religion":"rk",
 "wohnungen":{"_type":"AktuelleWohnungType","nutzungszustand":"HAUPTWOHNUNG","melderegisterAnschrift":{"sperrvermerk":false}}}`

// The forms of Swagger and of the recorded answers are one and the same person.
func TestFormsAreOne(t *testing.T) {
	other := strings.NewReplacer(
		`"_type":"AktuelleWohnungType"`, `"@type":"ns2:AktuelleWohnungType","_xmlns:xsi":"x"`, `"rufname":true`, `"rufname":"true"`,
		`"sperrvermerk":false`, `"sperrvermerk":"false","zusatz":""`, `"vornamen":{"vorname":"Ottilie","rufname":true}`, `"vornamen":[{"vorname":"Ottilie","rufname":"true"}]`,
	).Replace(bare)
	a, err := ewo.Read([]byte(bare))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ewo.Read([]byte(`{"personErweitert":` + other + `,"x":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(groups(t, a), groups(t, b)); d != "" {
		t.Error(d)
	}
	if a.Familienname() != "von Zaunkönig" || a.Geburtsdatum() != "1985-08" {
		t.Error(a.Familienname(), a.Geburtsdatum())
	}
	for g, content := range groups(t, a) {
		if strings.Contains(content, "religion") && g != ewo.GruppeSonstiges {
			t.Errorf("religion stands in group %s", g)
		}
	}
}

func TestPartDate(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
	}{
		{"1985-08-12", "1985-08-12"},
		{"1969-12-24T12:54:58.875Z", "1969-12-24"},
		{map[string]any{"datum": "1985-08-12"}, "1985-08-12"},
		{map[string]any{"jahrMonat": "1985-08"}, "1985-08"},
		{map[string]any{"jahr": "1985"}, "1985"},
		{"1985-08-00", "1985-08"},
		{"1985-00-00", "1985"},
		{"0000-00-00", ""},
		{"gestern", ""},
		{nil, ""},
		{float64(1985), ""},
	} {
		if got := ewo.PartDate(c.in); got != c.want {
			t.Errorf("PartDate(%v) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestSperren(t *testing.T) {
	for _, c := range []struct {
		name, more string
		want       ewo.Sperren
	}{
		{"none", `"auskunftssperre":"nein"`, ewo.Sperren{}},
		{"no at all", `"auskunftssperre":false,"sperren":[]`, ewo.Sperren{}},
		{"text", `"auskunftssperre":"§ 51"`, ewo.Sperren{Auskunftssperre: true}},
		{"list", `"sperren":[{"grund":"1"}]`, ewo.Sperren{Auskunftssperre: true}},
		{"single", `"sperren":{"grund":"1","frist":"2001-01-01"}`, ewo.Sperren{Auskunftssperre: true}},
		{"empty", `"sperren":{}`, ewo.Sperren{Auskunftssperre: true}},
		{"empty in a list", `"sperren":[{}]`, ewo.Sperren{Auskunftssperre: true}},
		{"empty inside", `"sperren":[{"grund":"","frist":null}]`, ewo.Sperren{Auskunftssperre: true}},
		{"empty text", `"auskunftssperre":""`, ewo.Sperren{Auskunftssperre: true}},
		{"empty object", `"auskunftssperre":{}`, ewo.Sperren{Auskunftssperre: true}},
		{"nothing", `"auskunftssperre":null,"sperren":[null]`, ewo.Sperren{}},
		{"null", `"auskunftssperre":null,"sperren":null`, ewo.Sperren{}},
		{"address", `"melderegisterAnschrift":{"sperrvermerk":"true"}`, ewo.Sperren{Sperrvermerk: true}},
		{"unreadable mark", `"wohnungen":[{"melderegisterAnschrift":{"sperrvermerk":"J"}}]`, ewo.Sperren{Sperrvermerk: true}},
	} {
		p, err := ewo.Read([]byte(`{"ordnungsmerkmal":"1",` + c.more + `}`))
		if err != nil {
			t.Fatal(c.name, err)
		}
		if got := p.Sperren(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	for _, answer := range []string{"<html>", "[]", `{"a":1,"a":2}`, `{"name":"x"}`, `"x"`, strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)} {
		if p, err := ewo.Read([]byte(answer)); err == nil {
			t.Errorf("%.20s: read as %v", answer, p)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(bare))
	f.Add([]byte(`{"antwortErweitert":{"personErweitert":[` + bare + `]}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if p, err := ewo.Read(answer); err == nil && p != nil {
			if p.Ordnungsmerkmal() == "" {
				t.Error("a person without Ordnungsmerkmal")
			}
			_, _ = p.Hauptwohnung()
			_ = p.Sperren()
			first, second := groups(t, p), groups(t, p)
			if d := cmp.Diff(first, second); d != "" {
				t.Error(d)
			}
		}
		_, _ = ewo.ReadHits(answer)
	})
}
