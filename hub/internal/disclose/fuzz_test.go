package disclose_test

import (
	"regexp"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v5"
	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/schemas"
)

// FuzzCutProperty is TestCutProperty, guided by coverage.
func FuzzCutProperty(f *testing.F) { f.Fuzz(rapid.MakeFuzz(cutProperty)) }

// hugeNumber is what the gate keeps from validation.
var hugeNumber = regexp.MustCompile(`[eE][+-]?[0-9]{3}|[0-9]{64}`)

// FuzzApply cuts arbitrary data: what comes out is JSON with exactly what is
// disclosed, and of valid data something comes out that fits the derived schema.
func FuzzApply(f *testing.F) {
	type planned struct {
		schema  *schemas.Schema
		cut     *disclose.Cut
		derived *jsonschema.Schema
	}
	var plans []planned
	for _, p := range []struct {
		members  string
		pointers []string
	}{
		{`"properties": {"a": {}, "b": {}, "ä/~": {}}`, []string{"/a", "/ä~1~0"}},
		{`"properties": {"o": {"type": ["object", "null"], "additionalProperties": false, "properties": {"p": {}, "q": {}}}, "x": {}}`, []string{"/o/p"}},
		{`"properties": {"l": {"type": "array", "items": {"type": ["array", "object"], "items": {"type": "object", "additionalProperties": false, "properties": {"p": {}, "q": {}}}, "properties": {"p": {}, "r": {}}, "additionalProperties": false}}}`, []string{"/l/p"}},
		{`"properties": {"": {"type": "object", "additionalProperties": false, "properties": {"": {}, "a": {}}}, "a": {}}`, []string{"//"}},
	} {
		s := admit(f, p.members)
		c, errs := disclose.Plan(s, p.pointers)
		if errs != nil {
			f.Fatal(errs)
		}
		d, err := compile(c)
		if err != nil {
			f.Fatal(err)
		}
		plans = append(plans, planned{s, c, d})
	}
	for i, in := range []string{
		`{"a":[1,{"a":2}],"b":{"a":3},"\u00e4/~":null}`, ` { "x" : 1 , "o" : { "q" : [] , "p":{} } } `,
		`{"l":[[{"p":1,"q":2}],{"p":[],"r":1},[]]}`, `{"":{"a":1,"":2},"a":{}}`, `{"o":"x"}`, `{"a":1,"a":2}`, `{"\ud800":1}`, `[`,
	} {
		f.Add(uint8(i%4), []byte(in))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		p := plans[int(which)%len(plans)]
		got, err := p.cut.Apply(data)
		if err == nil && (!jsontext.Value(got).IsValid() || show(got, "", p.cut.Fields(), false) != show(data, "", p.cut.Fields(), true)) {
			t.Fatalf("%q cut to %q", data, got)
		}
		if !jsontext.Value(data).IsValid() {
			if err == nil {
				t.Fatalf("%q is no JSON and became %q", data, got)
			}
			return
		}
		whole, readable := decode(data)
		if !readable || hugeNumber.Match(data) || p.schema.Validate(whole) != nil {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if v, _ := decode(got); p.derived.Validate(v) != nil {
			t.Fatalf("%q became %q", data, got)
		}
	})
}
