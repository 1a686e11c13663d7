package schemas

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

func doc(t *testing.T, text string) any {
	t.Helper()
	v, err := decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wohnung(t *testing.T) *Schema {
	t.Helper()
	s, ok := embeddedForTest(t).Lookup("de.meldewesen.wohnung-angemeldet.v1")
	if !ok {
		t.Fatal("no schema")
	}
	return s
}

// What Validate says goes into quarantine and logs: no value, and no name that
// came with the data.
func TestViolationsHoldNothingOfTheData(t *testing.T) {
	const secret = "Geheimnis"
	s := wohnung(t)
	for _, text := range []string{
		`{"Geheimnis": 1}`,
		`{"person": {"Geheimnis": {"name": 1}}, "anschrift": {"ort": 5}}`,
		`{"einzug": "Geheimnis", "person": {"geburtsdatum": "Geheimnis", "deutsch": "Geheimnis"}}`,
		`"Geheimnis"`,
	} {
		found := s.Validate(doc(t, text))
		if len(found) == 0 {
			t.Errorf("%s is valid", text)
		}
		for _, v := range found {
			if strings.Contains(v.Pointer+v.Keyword, secret) {
				t.Errorf("%s: %+v", text, v)
			}
		}
	}
}

func TestViolationPointerEndsBeforeUnknownNames(t *testing.T) {
	s, errs := admitText(`"type": "object", "x-datenkategorie": "x", "properties": {"m": {"type": "object", "additionalProperties": {"type": "string"}}}, "additionalProperties": false`)
	if errs != nil {
		t.Fatal(errs)
	}
	got := s.Validate(doc(t, `{"m": {"Erika Mustermann": 1}}`))
	if !slices.Equal(got, []Violation{{"/m", "type"}}) {
		t.Errorf("got %v", got)
	}
}

// A panic of the library is a violation, not the end of the process.
func TestValidateSurvivesPanic(t *testing.T) {
	s, errs := admitText(closed + `"properties": {"n": {"type": "number", "maximum": 5}}`)
	if errs != nil {
		t.Fatal(errs)
	}
	got := s.Validate(map[string]any{"n": json.Number("no number")})
	if !slices.Equal(got, []Violation{{"", KeywordInternal}}) {
		t.Errorf("got %v", got)
	}
	if got := s.Validate(map[string]any{"n": struct{}{}}); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestViolationsAreBounded(t *testing.T) {
	s := wohnung(t)
	bad := strings.Repeat(`"x",`, 9) + `"x"`
	got := s.Validate(doc(t, `{"person": {"staatsangehoerigkeiten": [`+bad+`], "deutsch": 1, "geburtsdatum": 1, "name": {}}, "anschrift": {"ags": 1, "strasse": 1, "plz": 1, "ort": 1, "zusatz": 1, "hausnummer": 1}, "bisherigeAnschrift": {"ags": 1, "strasse": 1, "plz": 1, "ort": 1, "zusatz": 1}, "einzug": 1, "sperren": 1, "wohnungsstatus": 1}`))
	if len(got) != maxViolations {
		t.Errorf("%d violations", len(got))
	}
}

func TestBlocked(t *testing.T) {
	s := wohnung(t)
	for text, want := range map[string][]string{
		`{}`:                nil,
		`{"sperren": null}`: nil,
		`{"sperren": {"auskunftssperre": false, "uebermittlungssperren": []}}`:    nil,
		`{"sperren": {"auskunftssperre": true}}`:                                  {"auskunftssperre"},
		`{"sperren": {"uebermittlungssperren": ["5"], "auskunftssperre": null}}`:  {"uebermittlungssperre"},
		`{"sperren": {"bedingterSperrvermerk": true, "auskunftssperre": true}}`:   {"auskunftssperre", "bedingter-sperrvermerk"},
		`{"sperren": [{"auskunftssperre": false}, {"auskunftssperre": true}]}`:    {"auskunftssperre"},
		`{"sperren": {"auskunftssperre": 0, "bedingterSperrvermerk": {"a": ""}}}`: nil,
		`{"sperren": {"auskunftssperre": 1, "bedingterSperrvermerk": {"a": 1}}}`:  {"auskunftssperre", "bedingter-sperrvermerk"},
		`"text"`: nil,
	} {
		if got := s.Blocked(doc(t, text)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestConditions(t *testing.T) {
	s := wohnung(t)
	if got := s.Conditions(doc(t, `{"person": {"deutsch": false}}`)); len(got) != 1 || got["deutsch"] != false {
		t.Errorf("got %v", got)
	}
	for _, text := range []string{`{}`, `{"person": {"deutsch": null}}`, `{"person": []}`, `[]`, `null`} {
		if got := s.Conditions(doc(t, text)); len(got) != 0 {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestPeriod(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"P7D": 7 * day, "P0D": 0, "P2W": 14 * day, "PT12H": 12 * time.Hour, "P1DT1H30M5S": day + 90*time.Minute + 5*time.Second,
	} {
		if got, err := Period(text); err != nil || got != want {
			t.Errorf("Period(%s) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "7D", "P1M", "P1Y", "-P1D", "P1.5D", "P999999D", "P1D "} {
		if got, err := Period(text); err == nil {
			t.Errorf("Period(%q) = %v", text, got)
		}
	}
}

// TestValidateOf: what the accepter spares the library changes no verdict and no reason. Each
// example is spoilt at each of its members, too.
func TestValidateOf(t *testing.T) {
	r := embeddedForTest(t)
	spared, refused := 0, 0
	hold := func(s *Schema, raw []byte) {
		doc, err := decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		want := s.Validate(doc)
		if got := s.ValidateOf(raw, doc); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v: %s", s.Type, got, want, raw)
		}
		if len(want) > 0 {
			refused++
			spared += len(s.accepter.Members(raw))
		}
	}
	for _, typ := range r.Types() {
		s, _ := r.Lookup(typ)
		files, _ := filepath.Glob(filepath.Join(s.Type, "*valid", "*.json"))
		if len(files) == 0 {
			t.Errorf("%s has no examples", s.Type)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			hold(s, raw)
			doc, _ := decode(raw)
			members, _ := doc.(map[string]any)
			for name := range members {
				spoilt := maps.Clone(members)
				for _, value := range []any{nil, "", json.Number("-1.5"), []any{false}, map[string]any{"fremd": 1}} {
					spoilt[name] = value
					text, _ := json.Marshal(spoilt)
					hold(s, text)
				}
				delete(spoilt, name)
				spoilt["fremd"] = members[name]
				text, _ := json.Marshal(spoilt)
				hold(s, text)
			}
		}
	}
	if spared < refused {
		t.Errorf("%d members of %d refused examples were spared", spared, refused)
	}
}

// FuzzAdmit: whatever a schema and data are, the verdicts are the same twice, the
// library does not panic, and a violation holds nothing of the data.
func FuzzAdmit(f *testing.F) {
	for _, typ := range []string{"de.meldewesen.wohnung-angemeldet.v1", "de.antrag.status-geaendert.v1"} {
		r, err := Embedded()
		if err != nil {
			f.Fatal(err)
		}
		s, _ := r.Lookup(typ)
		f.Add(s.Raw, []byte(`{"person": {"deutsch": 1}}`))
	}
	for _, c := range slowPairs {
		f.Add(rootWith(c.members), []byte(c.data(300)))
	}
	for _, in := range corpusSeeds(f, "schema") {
		f.Add(in, []byte(`{"vorgang":"V-1","betrag":12.50}`))
	}
	f.Fuzz(func(t *testing.T, schema, data []byte) {
		r, _ := Embedded()
		s, errs := r.Admit("de.test.v1", "schema.json", schema)
		_, again := r.Admit("de.test.v1", "schema.json", schema)
		if len(errs) != len(again) {
			t.Fatalf("%v, then %v", errs, again)
		}
		if errs != nil {
			return
		}
		v, err := decode(data)
		if err != nil {
			return
		}
		found := s.Validate(v)
		if again := s.Validate(v); !slices.Equal(found, again) {
			t.Fatalf("%v, then %v", found, again)
		}
		if of := s.ValidateOf(data, v); !slices.Equal(found, of) {
			t.Fatalf("%v, with the text %v", found, of)
		}
		for _, violation := range found {
			if violation.Keyword == KeywordInternal || known(violation.Pointer, s.names) != violation.Pointer {
				t.Fatalf("%+v", violation)
			}
		}
		s.Blocked(v)
		s.Conditions(v)
		for _, address := range s.Adressen {
			s.Adresse(v, address.Pointer)
		}
	})
}

// FuzzUnique holds our uniqueItems against the library's.
func FuzzUnique(f *testing.F) {
	for _, s := range []string{
		`[1,1.0]`, `[1,"1"]`, `[0,-0]`, `[1e1,10]`, `[0.1,1e-1]`, `[[],[[]]]`, `[[[],[]],[[[]]]]`, `[{"a":1,"b":2},{"b":2,"a":1}]`, `[{"a":1},{"a":1.5}]`,
		`[null,false,0,"",[],{}]`, `[true,true]`, `["a\u0003b",["a","b"]]`, `[["a","b"],["a\u0003b"]]`, `{"a":1}`, `[1,[1],{"1":1},"n","t","f"]`,
	} {
		f.Add([]byte(s))
	}
	ours, err := compile("urn:ours", map[string]any{"uniqueItems": true})
	if err != nil {
		f.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:theirs", strings.NewReader(`{"uniqueItems": true}`)); err != nil {
		f.Fatal(err)
	}
	theirs := c.MustCompile("urn:theirs")
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decode(data)
		if err != nil || len(data) > 2000 {
			return
		}
		if a, b := ours.Validate(v), theirs.Validate(v); (a == nil) != (b == nil) {
			t.Fatalf("ours says %v, the library %v", a, b)
		}
	})
}
