package where

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// The library panics on some of these and prints on others.
var badWheres = []string{
	"", " ", "type LIKE", "type = 'a", "1 = ", "foo bar", "a IN (", "a IN ()", "§", "a = $x", "((", ")", "LIKE", "NOT",
	"a = 'b' AND", "a = 99999999999999999999", "LENGTH(", "a LIKE b", "\x00", "'", `"`, "type = 'a' ; DROP",
	strings.Repeat("(", 400) + "1" + strings.Repeat(")", 400),
	strings.Repeat("NOT ", 300) + "TRUE " + strings.Repeat("x", maxWhere),
}

func TestParseWhereRefuses(t *testing.T) {
	out := capture(t, func() {
		for _, s := range badWheres {
			start := time.Now()
			if w, err := Parse(s); err == nil {
				t.Errorf("Parse(%q) = %+v", s, w)
			}
			if d := time.Since(start); d > time.Minute { // hangs
				t.Errorf("Parse(%.20q) took %v", s, d)
			}
		}
	})
	if out != "" {
		t.Errorf("the parser wrote to the process output: %q", out)
	}
}

// capture gives what f writes to the process output.
func capture(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	done := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, r)
		done <- b.String()
	}()
	f()
	os.Stdout, os.Stderr = stdout, stderr
	_ = w.Close()
	return <-done
}

// What can never hold is said when it is compiled, not at each event.
func TestMistakes(t *testing.T) {
	for s, want := range map[string]Mistake{
		"a = ":                      {Kind: Syntax},
		"ab = §":                    {Character, 6, ""},
		strings.Repeat("a", 1001):   {TooLong, maxWhere, ""},
		strings.Repeat("(", 17):     {TooDeep, maxParens, ""},
		"NOSUCH(1)":                 {Function, 1, "NOSUCH"},
		"A_B() = 1":                 {Function, 0, "A_B"},
		"LENGTH() = 1":              {Function, 0, "LENGTH"},
		"LEFT(a, LEFT(b, 1), 3)":    {Function, 3, "LEFT"},
		"UPPER(NOSUCH(a, 1)) = 'x'": {Function, 2, "NOSUCH"},
		"1 + 1":                     {Kind: NoTruth},
		"'a'":                       {Kind: NoTruth},
		"1 / 0 = 1":                 {Kind: NoTruth},
	} {
		w, err := Parse(s)
		m, ok := errors.AsType[*Mistake](err)
		if w != nil || !ok || *m != want {
			t.Errorf("%.30s: %v, %v", s, w, err)
		}
	}
	for _, s := range []string{"TRUE", "FALSE", "CONCAT('a', 'b') = 'ab'", "a = 'NOSUCH(1)'"} {
		if _, err := Parse(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestWhereNames(t *testing.T) {
	w, err := Parse(`ags LIKE '09162%' AND (Deutsch = FALSE OR LENGTH(xoevautor) > 3) AND EXISTS time AND id IN ('a', subject)`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ags", "deutsch", "xoevautor", "time", "id", "subject"}
	if !slices.Equal(w.Names, want) {
		t.Errorf("names = %v, want %v", w.Names, want)
	}
}

func TestWhereHolds(t *testing.T) {
	attrs := event.Attributes{
		{Name: "id", Value: "1"},
		{Name: "source", Value: "urn:x"},
		{Name: "type", Value: "de.a.b.v1"},
		{Name: "subject", Value: "s"},
		{Name: "time", Value: "2026-03-01T10:00:00Z"},
		{Name: "ags", Value: "09162000"},
		{Name: "deutsch", Value: "true"},
		{Name: "dataschema", Value: "urn:y"},
		{Name: "datacontenttype", Value: "application/json"},
	}
	conditions := map[string]string{"deutsch": "/deutsch", "kinder": "/kinder", "art": "/art"}
	cond := map[string]any{"deutsch": false, "kinder": json.Number("2"), "art": "neu"}
	tests := []struct {
		where string
		want  bool
		fails bool
	}{
		{"ags LIKE '09162%'", true, false},
		{"ags LIKE '02%'", false, false},
		{"deutsch = FALSE", true, false}, // the attribute of that name is not asked
		{"deutsch", false, false},
		{"kinder > 1 AND art = 'neu'", true, false},
		{"subject = 's' AND type = 'de.a.b.v1' AND source = 'urn:x' AND id = '1'", true, false},
		{"time = '2026-03-01T10:00:00Z' AND dataschema = 'urn:y' AND datacontenttype LIKE '%json'", true, false},
		{"specversion = '1.0'", true, false},
		{"EXISTS partitionkey", false, false},
		{"partitionkey = 'x'", false, true},
		{"kinder", false, true}, // no truth value
		{"kinder / 0 = 1", false, true},
		{"LENGTH(art) = 3 AND UPPER(LOWER(art)) = 'NEU' AND CONCAT_WS('-', art, art) = 'neu-neu'", true, false},
		{"SUBSTRING(art, 99, 99) = 'x'", false, true},
	}
	for _, tc := range tests {
		w, err := Parse(tc.where)
		if err != nil {
			t.Errorf("%s: %v", tc.where, err)
			continue
		}
		got, err := w.Holds(FactsOf(attrs, conditions, cond))
		if got != tc.want || (err != nil) != tc.fails {
			t.Errorf("%s = %v, %v", tc.where, got, err)
		}
	}
}

// A sender's attribute never stands in for a data condition that is absent.
func TestConditionCannotBeForged(t *testing.T) {
	w, err := Parse("deutsch = TRUE")
	if err != nil {
		t.Fatal(err)
	}
	conditions, attrs := map[string]string{"deutsch": "/person/deutsch"}, event.Attributes{{Name: "deutsch", Value: "TRUE"}}
	if ok, err := w.Holds(FactsOf(attrs, conditions, nil)); ok || err == nil {
		t.Errorf("admitted by an attribute: %v, %v", ok, err)
	}
	if ok, err := w.Holds(FactsOf(attrs, conditions, map[string]any{"deutsch": true})); !ok || err != nil {
		t.Errorf("not admitted: %v, %v", ok, err)
	}
}

// An error of where goes into logs: it holds no value.
func TestWhereErrorHoldsNoValue(t *testing.T) {
	w, err := Parse("art > 3")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Holds(FactsOf(nil, map[string]string{"art": "/art"}, map[string]any{"art": "Geheimnis"}))
	if err == nil || strings.Contains(err.Error(), "Geheimnis") {
		t.Errorf("error = %v", err)
	}
}

func FuzzWhere(f *testing.F) {
	for _, s := range badWheres {
		f.Add(s)
	}
	f.Add("ags LIKE '09162%' AND deutsch = FALSE")
	f.Add("ags LIKE '09162%' AND subject NOT IN ('a', \"b\")")
	f.Fuzz(func(t *testing.T, s string) {
		w, err := Parse(s)
		if err != nil {
			return
		}
		facts := FactsOf(event.Attributes{{Name: "ags", Value: "09162000"}, {Name: "subject", Value: "a"}}, nil, nil)
		ok, err := w.Holds(facts)
		if _, plain := w.plain.holds(facts); plain {
			if library, failed := w.ask(facts); err != nil || failed != nil || ok != library {
				t.Errorf("%t, %v; the library says %t, %v", ok, err, library, failed)
			}
		}
	})
}

// TestFactsAreShared: what one expression has asked for changes no answer to another, and a
// name is the same however it is written.
func TestFactsAreShared(t *testing.T) {
	f := FactsOf(event.Attributes{{Name: "ags", Value: "09162000"}, {Name: "subject", Value: "a"}, {Name: "deutsch", Value: "TRUE"}},
		map[string]string{"deutsch": "/deutsch", "alter": "/alter"}, map[string]any{"alter": json.Number("7")})
	for range 2 {
		for _, c := range []struct {
			where string
			want  bool
		}{
			{"ags LIKE '09162%'", true},
			{"AGS = '09162000' AND Subject = 'a'", true},
			{"EXISTS ags AND NOT EXISTS dataschema", true},
			{"EXISTS Deutsch", false}, // the sender's attribute of that name
			{"alter = 7 AND ags = '09162000'", true},
			{"subject = 'b'", false},
		} {
			w, err := Parse(c.where)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := w.Holds(f); err != nil || got != c.want {
				t.Errorf("%s: %t, %v; want %t", c.where, got, err, c.want)
			}
		}
	}
}
