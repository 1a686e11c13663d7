package accepter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

func jsonOf(v any) ([]byte, error) { return json.Marshal(v) }

// strictness are texts by whether they are strict JSON within the gate's limits.
// All that is is accepted where a schema asks for nothing.
var strictness = []struct {
	raw  string
	want bool
}{
	{`{"a":[1,-0.5e+3,"ä\u00e4\ud83d\ude00\n\/",true,false,null,{},[]]}`, true},
	{" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", true},
	{`"` + "\u007f\u2028" + `"`, true},
	{`{"a":1,"b":{"a":1}}`, true},
	{strings.Repeat("[", 64) + strings.Repeat("]", 64), true},
	{strings.Repeat("9", 64), true},
	{`1e400`, true},
	{`1e-400`, true},
	{`[-0,0,0.0,10,1.50]`, true},

	{``, false},
	{` `, false},
	{`{"a":1,"a":2}`, false},
	{`{"a":1,"b":2,"a":1}`, false},
	{`{"a":1,"\u0061":2}`, false},
	{strings.Repeat("[", 65) + strings.Repeat("]", 65), false},
	{strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), false},
	{strings.Repeat("9", 65), false},
	{`1e401`, false},
	{`1e-401`, false},
	{`1e99999999999999999999`, false},
	{`1 2`, false},
	{`{} {}`, false},
	{`{}x`, false},
	{`[1,]`, false},
	{`[,1]`, false},
	{`[1 2]`, false},
	{`[1`, false},
	{`[1}`, false},
	{`{"a":1,}`, false},
	{`{"a" 1}`, false},
	{`{"a":}`, false},
	{`{a:1}`, false},
	{`{"a":1]`, false},
	{`{"a":1`, false},
	{`{"a"`, false},
	{`{`, false},
	{`01`, false},
	{`-01`, false},
	{`+1`, false},
	{`1.`, false},
	{`.5`, false},
	{`-`, false},
	{`1e`, false},
	{`1e+`, false},
	{`0x1`, false},
	{`NaN`, false},
	{`tru`, false},
	{`truee`, false},
	{`nul`, false},
	{`True`, false},
	{`"a`, false},
	{`"`, false},
	{`"\`, false},
	{`"\"`, false},
	{"\"\n\"", false},
	{"\"\x00\"", false},
	{"\"\xff\"", false},
	{"\"\xc3\"", false},
	{"\"\xed\xa0\x80\"", false},
	{"\"\xf4\x90\x80\x80\"", false},
	{"\"\xc0\x80\"", false},
	{`"\x41"`, false},
	{`"\u12"`, false},
	{`"\u12g4"`, false},
	{`"\ud800"`, false},
	{`"\ud800\u0041"`, false},
	{`"\ud800\ud800"`, false},
	{`"\udc00"`, false},
	{`"\udc00\ud800"`, false},
	{`'a'`, false},
	{"\ufeff1", false},
	{`/**/1`, false},
	{"\x00", false},
	{"1\x00", false},
	{"[1\u00a0]", false},
}

func TestStrictness(t *testing.T) {
	o, err := newOracle([]byte("true"), jsonschema.Draft2020)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range strictness {
		if got := o.accepts([]byte(c.raw)); got != c.want {
			t.Errorf("the gate says %v of %.60q", got, c.raw)
		}
		if got := Compile(true).Accepts([]byte(c.raw)); got != c.want {
			t.Errorf("accepted %v: %.60q", got, c.raw)
		}
		if Compile(false).Accepts([]byte(c.raw)) {
			t.Errorf("false accepts %.60q", c.raw)
		}
	}
}

// TestLimits holds each keyword at its limit, from both sides: no is what v5
// says, too. What is valid is accepted.
func TestLimits(t *testing.T) {
	for schema, cases := range map[string]struct{ yes, no []string }{
		`{"type":"integer"}`:                                {[]string{`1`, `1.0`, `-0`, `0.000`, `12345678901234567890`}, []string{`1.5`, `0.00000001`, `"1"`, `1e-1`}},
		`{"type":"number"}`:                                 {[]string{`1`, `1.5`, `1e400`}, []string{`"1"`, `null`}},
		`{"type":["string","null"]}`:                        {[]string{`"a"`, `null`}, []string{`1`, `true`, `[]`}},
		`{"minLength":2}`:                                   {[]string{`"ab"`, `"äb"`, `"\u00e4\n"`, `1`}, []string{`"a"`, `"😀"`, `"\ud83d\ude00"`}},
		`{"maxLength":2}`:                                   {[]string{`"ab"`, `"😀😀"`, `"\ud83d\ude00\""`}, []string{`"abc"`, `"\n\n\n"`}},
		`{"minimum":1,"maximum":2.5}`:                       {[]string{`1`, `2.5`, `1.0000001`, `"a"`}, []string{`0.9999999`, `2.5000001`, `-1`}},
		`{"exclusiveMinimum":1,"exclusiveMaximum":2}`:       {[]string{`1.0000001`, `1.9999999`}, []string{`1`, `2`, `1.0`}},
		`{"minimum":-1e20,"exclusiveMaximum":100000000000}`: {[]string{`-1`, `99999999999.9999999`}, []string{`100000000000`, `1e300`}},
		`{"minimum":1e11}`:                                  {nil, []string{`99999999999.9999999`}},
		`{"enum":[0.0000001]}`:                              {[]string{`0.0000001`}, []string{`0.00000001`}},
		`{"pattern":"^a[0-9]b"}`:                            {[]string{`"a1bc"`}, []string{`"a1"`, `"a1c"`}},
		`{"multipleOf":0.1}`:                                {[]string{`0.3`, `-1`, `0`}, []string{`0.35`, `0.0000001`}},
		`{"minItems":1,"maxItems":2}`:                       {[]string{`[1]`, `[1,2]`}, []string{`[]`, `[1,2,3]`}},
		`{"uniqueItems":true}`:                              {[]string{`["a","b",1,true,null,"1",0]`, `[]`, `[0,false]`}, []string{`[1,1.0]`, `["a","b","a"]`, `[0,-0]`, `[null,null]`}},
		`{"items":{"type":"integer"},"prefixItems":[{"type":"string"}]}`: {[]string{`["a",1]`, `["a"]`, `[]`}, []string{`[1]`, `["a","b"]`}},
		`{"items":false}`: {[]string{`[]`}, []string{`[1]`}},
		`{"properties":{"a":{"type":"integer"}},"required":["a","b"]}`:           {[]string{`{"a":1,"b":2}`, `{"b":{},"a":1,"c":[]}`}, []string{`{"a":1}`, `{"b":1}`, `{"a":"1","b":2}`}},
		`{"properties":{"a":true},"additionalProperties":false}`:                 {[]string{`{}`, `{"a":1}`}, []string{`{"b":1}`, `{"a":1,"b":1}`}},
		`{"properties":{"a":true},"additionalProperties":{"type":"null"}}`:       {[]string{`{"a":1,"b":null}`}, []string{`{"b":1}`}},
		`{"minProperties":1,"maxProperties":2}`:                                  {[]string{`{"a":1}`, `{"a":1,"b":1}`}, []string{`{}`, `{"a":1,"b":1,"c":1}`}},
		`{"enum":["a",1,null,true]}`:                                             {[]string{`"a"`, `1`, `1.0`, `null`, `true`, `"\u0061"`}, []string{`"b"`, `2`, `false`, `[]`}},
		`{"const":"ä"}`:                                                          {[]string{`"ä"`, `"\u00e4"`}, []string{`"a"`, `{}`}},
		`{"pattern":"^[a-z]{2}$"}`:                                               {[]string{`"ab"`, `1`, `"\u0061b"`}, []string{`"a"`, `"abc"`, `"ab\n"`, `"äb"`}},
		`{"pattern":"b"}`:                                                        {[]string{`"abc"`}, []string{`"ac"`}},
		`{"format":"date"}`:                                                      {[]string{`"2024-02-29"`, `1`}, []string{`"2026-02-29"`, `"2024-02-30"`, `"1900-02-29"`, `"2026-00-01"`, `"2026-04-31"`, `"20260401"`}},
		`{"format":"date-time"}`:                                                 {[]string{`"2026-02-28T12:00:00Z"`, `"2026-02-28t23:59:60z"`, `"2026-02-28T12:00:00.123+01:00"`}, []string{`"2026-02-28T25:00:00Z"`, `"2026-02-28T12:00:00"`, `"2026-02-28T12:00:00.Z"`}},
		`{"allOf":[{"minLength":2},{"maxLength":3}]}`:                            {[]string{`"ab"`, `"abc"`}, []string{`"a"`, `"abcd"`}},
		`{"anyOf":[{"type":"null"},{"minimum":1}]}`:                              {[]string{`null`, `1`, `"a"`}, []string{`0`}},
		`{"if":{"minLength":3},"then":{"pattern":"^a"},"else":{"pattern":"^b"}}`: {[]string{`"abc"`, `"b"`, `1`}, []string{`"bcd"`, `"a"`}},
		`{"x-datenkategorie":"a","title":"b","$comment":"c","type":"null"}`:      {[]string{`null`}, []string{`1`}},
	} {
		o, err := newOracle([]byte(schema), jsonschema.Draft2020)
		if err != nil {
			t.Fatal(err)
		}
		a := Compile(tree([]byte(schema)))
		for _, raw := range cases.yes {
			if !a.Accepts([]byte(raw)) || !o.accepts([]byte(raw)) {
				t.Errorf("%s does not accept %s", schema, raw)
			}
		}
		for _, raw := range cases.no {
			if a.Accepts([]byte(raw)) || o.accepts([]byte(raw)) {
				t.Errorf("%s accepts %s", schema, raw)
			}
		}
	}
}

// TestNotUnderstood: a keyword that is not understood accepts nothing, even where
// the others would.
func TestNotUnderstood(t *testing.T) {
	for _, schema := range []string{
		`{"not":{"type":"null"}}`, `{"oneOf":[true]}`, `{"contains":true}`, `{"dependentRequired":{}}`, `{"dependentSchemas":{}}`,
		`{"unevaluatedProperties":false}`, `{"unevaluatedItems":false}`, `{"patternProperties":{}}`, `{"propertyNames":true}`,
		`{"$ref":"#"}`, `{"$dynamicRef":"#a"}`, `{"$anchor":"a"}`, `{"contentEncoding":"base64"}`, `{"tomorrow":1}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","prefixItems":[true],"items":{"type":"string"}}`,
		`{"$schema":"http://json-schema.org/draft-07/schema","properties":{"a":{"prefixItems":[true]}}}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#"}`, `{"items":[true]}`, `{"minLength":2.0}`, `{"minimum":1e-9}`,
	} {
		for _, raw := range []string{`1`, `"ab"`, `[1]`, `{"a":1}`} {
			if Compile(tree([]byte(schema))).Accepts([]byte(raw)) {
				t.Errorf("%s accepts %s", schema, raw)
			}
		}
	}
	inner := Compile(tree([]byte(`{"properties":{"a":{"not":true},"b":{"type":"null"}}}`)))
	if inner.Accepts([]byte(`{"a":1}`)) || !inner.Accepts([]byte(`{"b":null}`)) {
		t.Error("only what the keyword is about should be left out")
	}
}

// TestOrdersOfMembers: what an accepter has learnt of the sequence of members changes no answer.
func TestOrdersOfMembers(t *testing.T) {
	a := Compile(tree([]byte(`{"type":"object","additionalProperties":false,"required":["a"],
		"properties":{"a":{"type":"integer"},"ab":{"type":"string"},"c\"d":{"type":"integer"},"ü":{"type":"integer"}}}`)))
	texts := []struct {
		raw  string
		want bool
	}{
		{`{"a":1,"ab":"x","ü":2}`, true},
		{`{"ab":"x","a":1}`, true},
		{`{ "ü":2 , "a":1,"ab":"x"}`, true},
		{`{"a" : 1, "ab" :"x"}`, true},
		{`{"a":1,"a":1}`, false},
		{`{"ab":"x","ab":"x","a":1}`, false},
		{`{"a":1,"ab":1}`, false},
		{`{"a":1,"abc":"x"}`, false},
		{`{"a":1,"c\"d":2}`, false}, // an escape: not its business
		{`{"a" 1}`, false},
		{`{"a`, false},
		{`{"ab":"x"}`, false},
	}
	var all sync.WaitGroup
	for start := range texts {
		all.Go(func() {
			for i := range 20 * len(texts) {
				if c := texts[(start+i*(start+1))%len(texts)]; a.Accepts([]byte(c.raw)) != c.want {
					t.Errorf("%s: accepted %t", c.raw, !c.want)
				}
			}
		})
	}
	all.Wait()
}

// TestStrangers: each object has its own, whatever stands around it.
func TestStrangers(t *testing.T) {
	some := func(from, n int) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(`"m%d":1`, from+i))
		}
		return strings.Join(out, ",")
	}
	for raw, want := range map[string]bool{
		`{"a":{"a":{"a":1,"b":2},"b":{"a":1}},"b":[{"a":1},{"a":1}]}`: true,
		`{"a":{"b":1},"a":1}`:                                               false,
		`{"a":{"b":{"c":1}},"b":1,"c":1,"b":1}`:                             false,
		`{"a":1,"b":{"c":1,"d":{},"c":2}}`:                                  false,
		`{` + some(0, maxStrangers) + `}`:                                   true,
		`{` + some(0, maxStrangers+1) + `}`:                                 false, // more than it tells apart
		`[{` + some(0, 40) + `},{` + some(0, 40) + `}]`:                     true,
		`{"x":{` + some(0, maxStrangers-1) + `},` + some(0, 2) + `}`:        true,
		`{"x":{` + some(0, maxStrangers-1) + `},` + some(0, 2) + `,"m1":1}`: false,
	} {
		for schema, accepts := range map[string]bool{
			`true`: want,
			`{"allOf":[{"properties":{"x":true}},{"type":["object","array"]}]}`:                                  want,
			`{"anyOf":[{"type":"null"},{"additionalProperties":{"additionalProperties":{"type":"string"}}},{}]}`: want,
		} {
			if got := Compile(tree([]byte(schema))).Accepts([]byte(raw)); got != accepts {
				t.Errorf("%s: accepted %t: %.80s", schema, got, raw)
			}
		}
	}
}

// TestRun: eight bytes at once or one by one, a step takes the same.
func TestRun(t *testing.T) {
	for _, class := range []string{"[0-9]", "[0-9a-f]", "[A-Za-z0-9]", "[ -~]", "[!#-\\[\\]-~]", "[\\x00-\\x7f]", "[\\x00\\x7f]", "[acegik]", "[^a]"} {
		p, ok := newPattern("^" + class + "*$")
		if !ok || len(p.steps) != 1 {
			t.Fatalf("%s: %v", class, p)
		}
		single := p.steps[0]
		single.ranges = nil
		for b := range 256 {
			if want := p.re().Match([]byte{byte(b)}) && b < utf8.RuneSelf; (single.run([]byte{byte(b)}) == 1) != want {
				t.Errorf("%s takes byte %#x: %t", class, b, !want)
			}
			for at := range 18 {
				for length := at + 1; length < 20; length++ {
					s := bytes.Repeat([]byte{'0'}, length)
					s[at] = byte(b)
					if got, want := p.steps[0].run(s), single.run(s); got != want {
						t.Fatalf("%s takes %d of %q, want %d", class, got, s, want)
					}
				}
			}
		}
	}
}

// TestMembers: those before and behind one that is not accepted are found, up to what is not understood.
func TestMembers(t *testing.T) {
	const schema = `{"required":["a","x"],"additionalProperties":{"type":"integer"},
		"properties":{"a":{"type":"integer"},"b":{"items":{"type":"string"}},"c":{"properties":{"d":{"type":"null"}}}}}`
	o, err := newOracle([]byte(schema), jsonschema.Draft2020)
	if err != nil {
		t.Fatal(err)
	}
	a := Compile(tree([]byte(schema)))
	for raw, want := range map[string]string{
		`{"a":1,"b":["x"],"c":{}}`:                               "a b c",
		`{"a":"1","b":["x"],"c":{"d":null,"e":{"a":1}}}`:         "b c",
		`{ "c" : {"d":[{"x":1}]} , "b":["x",1],"a":2, "y":"z" }`: "a",
		`{"y":"z","x":1,"a":1}`:                                  "x a",
		`{"b":["x"],"a":[[1,2,],"c":{}}`:                         "b",
		`{"b":["x"],"\u0061":1,"c":{}}`:                          "b",
		`{"b":["x"]`:                                             "b",
		`{}`:                                                     "",
		`[{"a":1}]`:                                              "",
		``:                                                       "",
		`{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `,"b":["x"]}`: "",
		`{"c":{` + strings.Repeat(`"d":null,`, 2) + `"e":1},"a":1}`:                 "",
	} {
		if got := strings.Join(a.Members([]byte(raw)), " "); got != want {
			t.Errorf("%.80s: %q, want %q", raw, got, want)
		}
		members(t, []byte(schema), a, o, []byte(raw))
	}
	for _, schema := range []string{`true`, `{"not":true,"properties":{"a":true}}`, `{"type":"object"}`} {
		if got := Compile(tree([]byte(schema))).Members([]byte(`{"a":1}`)); got != nil {
			t.Errorf("%s: %q", schema, got)
		}
	}
}
