package where

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestPlain: which conditions ask of texts alone.
func TestPlain(t *testing.T) {
	for s, is := range map[string]bool{
		"ags = '09162000'":                          true,
		`AGS = "09162000"`:                          true,
		"ags IN ('09162000')":                       true,
		"ags NOT IN ('1', '2')":                     true,
		"ags LIKE '09%'":                            true,
		"ags NOT LIKE '09%' AND subject = ''":       true,
		"a1 = 'x' AND b2 IN ('y') AND c LIKE '%'":   true,
		"ags = 09162000":                            false,
		"ags != 'x'":                                false,
		"NOT ags = 'x'":                             false,
		"'x' = ags":                                 false,
		"ags = subject":                             false,
		"ags = 'x' OR ags = 'y'":                    false,
		"(ags = 'x')":                               false,
		"ags IN ('x', subject)":                     false,
		"ags LIKE '%x'":                             false,
		"ags LIKE 'x'":                              false,
		"ags LIKE 'x_%'":                            false,
		`ags LIKE 'x\%'`:                            false,
		`ags = 'it\'s'`:                             false,
		"ags = 'it''s'":                             false,
		`ags = "it's"`:                              false,
		"ags = 'x' AND EXISTS subject":              false,
		"ags = 'x' AND LENGTH(subject) = 1":         false,
		"ags = 'x' AND deutsch":                     false,
		"ſource = 'x'":                              false,
		"kınd LIKE 'x%'":                            false,
		"ags LIKE '09162%' AND deutsch = FALSE":     false,
		"CONCAT(ags, 'x') = 'y' AND subject IN (1)": false,
	} {
		if w, err := Parse(s); err != nil || (w.plain != nil) != is {
			t.Errorf("%s: %+v, %v", s, w, err)
		}
	}
}

// TestPlainSaysTheSame compares with the library.
func TestPlainSaysTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	name := func() string {
		return pick("ags", "AGS", "subject", "id", "type", "source", "time", "specversion", "dataschema", "datacontenttype", "art", "alter", "fehlt", "b2")
	}
	text := func() string {
		return pick("", "a", "A", "ab", "a%", "%", "_", " a", "a ", "09162000", "091", "ä", "true", "7", "1.0", "2026-03-01T10:00:00Z", "a\nb", "a\tb", "\u00a0", "\xff")
	}
	test := func() string {
		not := pick("", " NOT")
		switch r.IntN(3) {
		case 0:
			return name() + " = '" + text() + "'"
		case 1:
			return name() + not + " IN ('" + strings.Join([]string{text(), text(), text()}[:1+r.IntN(3)], "', '") + "')"
		}
		return name() + not + " LIKE '" + text() + pick("%", "") + "'"
	}
	before, err := Parse("EXISTS ags OR EXISTS art")
	if err != nil {
		t.Fatal(err)
	}
	known, held := 0, 0
	for range 20_000 {
		s := test()
		for r.IntN(3) == 0 {
			s += " AND " + test()
		}
		var attrs event.Attributes
		for _, name := range []string{"id", "source", "type", "subject", "time", "ags", "art", "b2", "dataschema", "datacontenttype"} {
			if r.IntN(4) > 0 {
				attrs = append(attrs, event.Attribute{Name: name, Value: text()})
			}
			if r.IntN(20) == 0 { // once more
				attrs = append(attrs, event.Attribute{Name: name, Value: text()})
			}
		}
		conditions, values := map[string]string{"alter": "/alter"}, map[string]any{}
		if r.IntN(2) == 0 {
			conditions["art"] = "/art"
		}
		if r.IntN(8) == 0 {
			conditions["subject"] = "/subject"
		}
		for name := range conditions {
			switch r.IntN(4) {
			case 0:
				values[name] = json.Number("7")
			case 1:
				values[name] = true
			case 2:
				values[name] = text()
			}
		}
		w, err := Parse(s)
		if err != nil {
			t.Fatal(s, err)
		}
		f := FactsOf(attrs, conditions, values)
		if r.IntN(2) == 0 {
			_, _ = before.ask(f) // another has asked the library of the same facts
		}
		ok, is := w.plain.holds(f)
		if !is {
			continue
		}
		known++
		if ok {
			held++
		}
		if library, err := w.ask(f); err != nil || library != ok {
			t.Fatalf("%s of %v, %v: %t; the library says %t, %v", s, attrs, values, ok, library, err)
		}
		if again, err := w.Holds(f); err != nil || again != ok {
			t.Fatal(s, again, err)
		}
	}
	if known < 2000 || held < 500 {
		t.Errorf("%d were known, %d held", known, held)
	}
}

func BenchmarkHolds(b *testing.B) {
	attrs := event.Attributes{{Name: "ags", Value: "09162000"}, {Name: "recipient", Value: "bauamt"}}
	for _, s := range []string{"recipient IN ('finanzamt', 'bauamt')", "ags LIKE '09162%'", "ags LIKE '09162%' OR FALSE"} {
		w, err := Parse(s)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := w.Holds(FactsOf(attrs, nil, nil)); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
