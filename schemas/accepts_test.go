package schemas

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// examples gives what stands in the files of a kind (valid, invalid) of all types
// that come with the program.
func examples(t testing.TB, r *Registry, kind string, visit func(s *Schema, file string, raw []byte)) {
	t.Helper()
	for _, typ := range r.Types() {
		files, err := filepath.Glob(filepath.Join(typ, kind, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no %s examples: %v", typ, kind, err)
		}
		s, _ := r.Lookup(typ)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			visit(s, file, raw)
		}
	}
}

// TestExamplesAreAccepted: the types that come with the program need jsonschema
// v5 for what is invalid only.
func TestExamplesAreAccepted(t *testing.T) {
	r := embeddedForTest(t)
	n, shortest := 0, longestCounted
	examples(t, r, "valid", func(s *Schema, file string, raw []byte) {
		n++
		shortest = min(shortest, s.short)
		if !s.Accepts(raw) {
			t.Errorf("%s is not accepted", file)
		}
	})
	examples(t, r, "invalid", func(s *Schema, file string, raw []byte) {
		if s.Accepts(raw) {
			t.Errorf("%s is accepted", file)
		}
	})
	t.Logf("%d valid examples; the accepter is asked about data of up to %d bytes at least", n, shortest)
	if shortest < 64<<10 {
		t.Errorf("a type is only accepted up to %d bytes", shortest)
	}
}

// TestAcceptedWithinTheBudget: what the accepter may be asked about would be
// within the budget, too. The bound holds for each length.
func TestAcceptedWithinTheBudget(t *testing.T) {
	alone(t)
	for _, c := range slowPairs {
		s, errs := admitText(c.members)
		if errs != nil {
			t.Fatal(errs)
		}
		for size := 16; size <= maxEvent; size *= 8 {
			data := c.data(size)
			n := int64(len(data))
			used := 10*int64(Budget) - s.count(decodeLong(t, data), 10*Budget)
			if bound := worst(s.load, trace{}, n) * (n + 1); used > bound {
				t.Errorf("%s: %d bytes take %d units, the bound is %d", c.name, n, used, bound)
			}
			if len(data) <= s.short && used > Budget {
				t.Errorf("%s: %d bytes may be accepted and take %d units", c.name, n, used)
			}
		}
	}
}

// TestBeyondTheBudgetIsNotAccepted: it is refused, valid or not.
func TestBeyondTheBudgetIsNotAccepted(t *testing.T) {
	s, errs := admitText(field(`{"type": "array", "items": {"enum": [` + count(2000, "%d") + `]}}`))
	if errs != nil {
		t.Fatal(errs)
	}
	if raw := same("1")(maxEvent); s.Accepts([]byte(raw)) {
		t.Error("accepted")
	}
	if raw := same("1")(500); !s.Accepts([]byte(raw)) {
		t.Error("a short one is not accepted")
	}
}

// sameMarks fails when Marked leaves out what somebody looks at.
func sameMarks(t testing.TB, s *Schema, raw []byte) {
	t.Helper()
	all, err := decodeNumbers(raw)
	if err != nil {
		t.Fatal(err)
	}
	part := s.Marked(raw)
	if got, want := s.Blocked(part), s.Blocked(all); !reflect.DeepEqual(got, want) {
		t.Errorf("%s: blocks %v, want %v", raw, got, want)
	}
	if got, want := s.Conditions(part), s.Conditions(all); !reflect.DeepEqual(got, want) {
		t.Errorf("%s: conditions %v, want %v", raw, got, want)
	}
	for _, a := range s.Adressen {
		got, ok := s.Adresse(part, a.Pointer)
		want, wanted := s.Adresse(all, a.Pointer)
		if got != want || ok != wanted {
			t.Errorf("%s: address %s %v, want %s %v", raw, got, ok, want, wanted)
		}
	}
}

// marked has marks at several depths, one within another and one in a list.
func markedSchema(t testing.TB) *Schema {
	t.Helper()
	s, errs := admitText(closed + `"x-datenkategorie": "a", "properties": {
"a": {` + object + `false, "x-sperre": "a", "properties": {"b": {"type": "boolean", "x-sperre": "b"}, "c": {"type": "string", "x-bedingung": "c"}}},
"b": {"type": "array", "items": {` + object + `false, "properties": {"a/b": {"type": "integer", "x-sperre": "c"}, "c": {"type": "string"}}}},
"c": {` + object + `false, "properties": {"ags": {"type": "string", "x-adresse": "ags"}, "b": {"type": "null"}}}}`)
	if errs != nil {
		t.Fatal(errs)
	}
	return s
}

func TestMarked(t *testing.T) {
	r := embeddedForTest(t)
	examples(t, r, "valid", func(s *Schema, _ string, raw []byte) { sameMarks(t, s, raw) })
	s := wohnung(t)
	for _, raw := range []string{
		`{"sperren": {"auskunftssperre": true}}`, ` { "sperren" : [ { "auskunftssperre" : 1 } , 2 , "x" ] , "person" : { "deutsch" : false } } `,
		`{"\u0073perren": {"auskunftss\u0070erre": true}}`, `{"a":{"sperren":{"auskunftssperre":true}}}`, `{"a":"\"sperren\":{\"auskunftssperre\":true}"}`,
		`{"sperren":{"uebermittlungssperren":["5"]},"person":{"name":"\\","deutsch":true}}`, `[]`, `1`, `"sperren"`, `null`, `[{"sperren":{"auskunftssperre":true}}]`,
	} {
		sameMarks(t, s, []byte(raw))
	}
	if part, _ := s.Marked([]byte(`{"a":1,"sperren":{"b":[],"auskunftssperre":true}}`)).(map[string]any); len(part) != 1 {
		t.Errorf("kept %v", part)
	}
}

// FuzzMarked looks for data of which Marked leaves out too much.
func FuzzMarked(f *testing.F) {
	s := markedSchema(f)
	for _, raw := range []string{
		`{"a":{"b":true,"c":"x"},"b":[{"a/b":1,"c":"x"}],"c":{"ags":"09162000"}}`, `{"a":[{"b":1}],"b":{"a/b":[0,1]}}`, ` {"a" : {"d":{"e":[""]}} } `,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := decode(raw); err == nil {
			sameMarks(t, s, raw)
		}
	})
}

// BenchmarkAccepts compares with what it stands for, in one run.
func BenchmarkAccepts(b *testing.B) {
	r, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	s, _ := r.Lookup("de.meldewesen.wohnung-angemeldet.v1")
	files, _ := filepath.Glob(filepath.Join(s.Type, "valid", "*.json"))
	raw, err := os.ReadFile(files[0])
	if err != nil {
		b.Fatal(err)
	}
	raw = []byte(strings.TrimSpace(string(raw)))
	b.Run("accepter", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			_ = s.Accepts(raw)
		}
	})
	b.Run("marked", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = s.Marked(raw)
		}
	})
	b.Run("v5", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			v, _ := decodeNumbers(raw)
			_ = s.Validate(v)
		}
	})
}
