// Package gatetest_test holds the first two stages together, which do not know each
// other: what a sender writes, up to its schema.
package gatetest_test

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

const (
	typ    = "de.test.ding.v1"
	secret = "GEHEIM7"
)

// registry has one type with a field of each kind, and one that is dear to check.
func registry(t testing.TB) *schemas.Registry {
	t.Helper()
	schema := `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:amtsbote:schema:` + typ + `",
"title": "Ding", "type": "object", "additionalProperties": false, "required": ["n"], "x-nicht-personenbezogen": true,
"properties": {
  "n": {"type": "number", "multipleOf": 0.5, "maximum": 1e6},
  "text": {"type": "string", "pattern": "^[a-z]*$", "maxLength": 9},
  "tag": {"type": "string", "format": "date"},
  "art": {"enum": ["a", 1, null]},
  "liste": {"type": "array", "uniqueItems": true, "items": {"type": "integer"}},
  "teuer": {"type": "array", "items": {"enum": [` + strings.TrimSuffix(strings.Repeat("0.5,", 2000), ",") + `]}},
  "rest": {"type": "object", "additionalProperties": {"type": "string"}, "propertyNames": {"maxLength": 20}}
}}`
	r, errs := (&schemas.Registry{}).With(fstest.MapFS{
		typ + "/schema.json":    {Data: []byte(schema)},
		typ + "/valid/a.json":   {Data: []byte(`{"n":1}`)},
		typ + "/valid/b.json":   {Data: []byte(`{"n":2}`)},
		typ + "/invalid/a.json": {Data: []byte(`{}`)},
		typ + "/invalid/b.json": {Data: []byte(`{"n":"1"}`)},
		typ + "/invalid/c.json": {Data: []byte(`{"n":1,"m":1}`)},
		typ + "/invalid.json":   {Data: []byte(`{"a.json":{"pointer":"","keyword":"required"},"b.json":{"pointer":"/n","keyword":"type"},"c.json":{"pointer":"","keyword":"additionalProperties"}}`)},
	})
	if errs != nil {
		t.Fatal(errs)
	}
	return r
}

func message(data string) *event.Message {
	return &event.Message{
		Stream: "IN_x", Seq: 1, Time: time.Unix(1_800_000_000, 0), Data: []byte(data),
		Header: map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"urn:x"}, "ce-type": {typ}, "Content-Type": {"application/json"},
		},
	}
}

// verdict is what gate and schema say of m, with the accepter asked and without:
// the same, or it panics.
func verdict(r *schemas.Registry, m *event.Message) *refusal.Refusal {
	e, refused := accept.Decode(m)
	if refused == nil {
		_, refused = check.Check(r, e)
	}
	e, quick := accept.DecodeFor(r, m)
	if quick == nil {
		_, quick = check.Check(r, e)
	}
	if !reflect.DeepEqual(quick, refused) {
		panic(fmt.Sprintf("with the accepter %v, without %v", quick, refused))
	}
	return refused
}

// TestRefusalsHoldNothingOfTheData: each keyword, and the budget, broken by data
// that is a secret in name and value.
func TestRefusalsHoldNothingOfTheData(t *testing.T) {
	r := registry(t)
	for _, c := range []struct {
		data string
		want refusal.Refusal
	}{
		{`{"n":1,"` + secret + `":"` + secret + `"}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data", Keyword: "additionalProperties"}},
		{`{"text":"a"}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data", Keyword: "required"}},
		{`{"n":"` + secret + `"}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/n", Keyword: "type"}},
		{`{"n":7000000}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/n", Keyword: "maximum"}},
		{`{"n":7.1}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/n", Keyword: "multipleOf"}},
		{`{"n":1,"text":"` + secret + `"}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/text", Keyword: "pattern"}},
		{`{"n":1,"tag":"` + secret + `"}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/tag", Keyword: "format"}},
		{`{"n":1,"art":"` + secret + `"}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/art", Keyword: "enum"}},
		{`{"n":1,"liste":[7,7.0]}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/liste", Keyword: "uniqueItems"}},
		{`{"n":1,"liste":[1,"` + secret + `"]}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/liste/1", Keyword: "type"}},
		{`{"n":1,"rest":{"` + secret + `":7}}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/rest", Keyword: "type"}},
		{`{"n":1,"rest":{"` + secret + secret + secret + `":"a"}}`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data/rest", Keyword: "maxLength"}},
		{`"` + secret + `"`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data", Keyword: "type"}},
		{`null`, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data", Keyword: "type"}},
		{``, refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data", Keyword: "type"}},
		{`{"n":1,"teuer":["` + secret + `"` + strings.Repeat(",7", 100_000) + `]}`, refusal.Refusal{Code: refusal.WorkLimit, At: "/data"}},
		{`{"n":1,"teuer":[0.5` + strings.Repeat(",0.5", 100_000) + `]}`, refusal.Refusal{Code: refusal.WorkLimit, At: "/data"}},
	} {
		got := verdict(r, message(c.data))
		if got == nil || *got != c.want {
			t.Errorf("%.60s: got %v, want %v", c.data, got, c.want)
		}
	}
	if got := verdict(r, message(`{"n":1.50,"teuer":[0.5],"art":null,"liste":[1,2],"rest":{"`+secret+`":"a"}}`)); got != nil {
		t.Errorf("refused with %v", got)
	}
}

// TestGateIsQuick: what stands before the budget takes time by the length of the
// event only. Measured on a core of 2026: at most 0.4 s a megabyte. The limit
// leaves room for a machine that has others to serve.
func TestGateIsQuick(t *testing.T) {
	raced.Alone(t)
	r := registry(t)
	const size = accept.MaxBytes - 1000
	var names strings.Builder
	for i := 0; names.Len() < size-20; i++ {
		fmt.Fprintf(&names, `"%d":0,`, i)
	}
	fill := func(piece string) string { return strings.Repeat(piece, size/len(piece)-1) }
	for name, data := range map[string]string{
		"empty objects":   `{"rest":[` + fill(`{},`) + `{}]}`,
		"empty arrays":    `{"rest":[` + fill(`[],`) + `[]]}`,
		"numbers":         `{"rest":[` + fill(`1,`) + `1]}`,
		"long numbers":    `{"rest":[` + fill(`1e400,`) + `1]}`,
		"names":           `{` + names.String() + `"n":0}`,
		"deep":            `{"rest":[` + fill(strings.Repeat("[", 60)+strings.Repeat("]", 60)+",") + `1]}`,
		"one text":        `{"text":"` + fill(`a`) + `"}`,
		"escapes":         `{"text":"` + fill(`\u0041`) + `"}`,
		"escaped quotes":  `{"text":"` + fill(`\"`) + `"}`,
		"a name twice":    `{` + names.String() + `"0":0}`,
		"white space":     `{"n":1` + fill(" ") + `}`,
		"brackets, open":  fill(`[`),
		"one long number": `{"n":` + fill("9") + `}`,
	} {
		began := time.Now()
		got := verdict(r, message(data))
		took := time.Since(began)
		t.Logf("%-16s %8v %v", name, took.Round(time.Millisecond), got)
		if took > 5*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

// place is all that a refusal says of where the fault lies: an attribute, or
// fields that the schema names.
var place = regexp.MustCompile(`^([a-z0-9]{1,32}|data_base64|content-type|/data(/(n|text|tag|art|liste|teuer|rest|[0-9]+))*)?$`)

var keyword = regexp.MustCompile(`^[a-zA-Z]*$`)

// FuzzCheck: whatever a sender writes, gate and schema say the same twice, find no
// fault of the hub's own, and give a reason that holds nothing of it.
func FuzzCheck(f *testing.F) {
	add := func(data []byte, binary bool) {
		data = bytes.ReplaceAll(data, []byte("de.beispiel.umzug.gemeldet.v1"), []byte(typ))
		f.Add(bytes.ReplaceAll(data, []byte(`"vorgang"`), []byte(`"n"`)), binary)
	}
	for _, s := range []string{
		`{"n":1}`, `{"n":"x","x":2}`, `{"n":1e400,"text":"Ä","tag":"2026-02-30","art":1.0}`, `{"n":1,"liste":[1,1e0,[]],"rest":{"a":1}}`, `[[[]]]`,
	} {
		add([]byte(s), true)
		add([]byte(`{"specversion":"1.0","id":"1","source":"urn:x","type":"`+typ+`","data":`+s+`}`), false)
	}
	for _, s := range corpus.Seeds(f, "ce", "batch") {
		add(s, false)
	}
	for _, s := range corpus.Seeds(f, "payload") {
		add(s, true)
	}
	r := registry(f)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		m := message(string(data))
		if !binary {
			m.Header = nil
		}
		got := verdict(r, m)
		if again := verdict(r, m); !reflect.DeepEqual(got, again) {
			t.Fatalf("%v, then %v", got, again)
		}
		if got == nil {
			return
		}
		if got.Code == refusal.Internal || !slices.Contains(refusal.Codes(), got.Code) || !place.MatchString(got.At) || !keyword.MatchString(got.Keyword) {
			t.Fatalf("%q", got)
		}
	})
}
