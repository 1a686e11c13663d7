package schemas

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// raced tells that the race detector runs: it makes all twenty times slower.
var raced bool

// alone leaves a test out under the race detector that has one goroutine and looks
// at times; "task check" runs it after that without.
func alone(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("one goroutine: the race detector finds nothing")
	}
}

// maxEvent is what an event may be long (flow/accept).
const maxEvent = 1 << 20

// slow is a schema, and events of any length, made to be slow.
type slow struct {
	name    string
	members string           // of the schema's root
	data    func(int) string // about so many bytes long
	refused bool             // the longest event does not fit into the budget
}

// listOf gives an array of as many items as fit, under the name a.
func listOf(item func(i int) string) func(int) string {
	return func(size int) string {
		var b strings.Builder
		b.WriteString(`{"a":[`)
		for i := 0; ; i++ {
			next := item(i)
			if b.Len()+len(next)+3 > size {
				break
			}
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(next)
		}
		return b.String() + `]}`
	}
}

func same(item string) func(int) string { return listOf(func(int) string { return item }) }

// textOf gives one long text under the name a.
func textOf(piece string) func(int) string {
	return func(size int) string {
		return `{"a":"` + strings.Repeat(piece, max(0, size-8)/len(piece)) + `"}`
	}
}

// names gives an object of many members, under the name a.
func names(length int, value string) func(int) string {
	return func(size int) string {
		var b strings.Builder
		b.WriteString(`{"a":{`)
		for i := 0; b.Len()+length+len(value)+8 < size; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%0*d":%s`, length, i, value)
		}
		return b.String() + `}}`
	}
}

// nested are differently nested empty arrays of n brackets, all of one hash in
// the library.
func nested(n int) func(int) string {
	var all []string
	var grow func(done string, open, left int)
	grow = func(done string, open, left int) {
		if len(all) >= 60_000 {
			return
		}
		if left == 0 {
			closed := done + strings.Repeat("]", open)
			all = append(all, "["+strings.ReplaceAll(closed, "][", "],[")+"]")
			return
		}
		grow(done+"[", open+1, left-1)
		if open > 0 && !strings.HasSuffix(done, "]]]]]]") {
			grow(done+"]", open-1, left)
		}
	}
	grow("", 0, n)
	slices.Sort(all)
	all = slices.Compact(all)
	return listOf(func(i int) string { return all[i%len(all)] })
}

func times(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }

func count(n int, format string) string {
	var b []string
	for i := range n {
		b = append(b, fmt.Sprintf(format, i))
	}
	return strings.Join(b, ",")
}

func field(schema string) string { return closed + `"properties": {"a": ` + schema + `}` }

func itemsOf(schema string) string { return field(`{"type": "array", "items": ` + schema + `}`) }

// object is an object of any names.
const object = `"type": "object", "additionalProperties": `

// deep is a schema under n levels of anyOf.
func deep(n int, schema string) string {
	return strings.Repeat(`{"anyOf": [`, n) + schema + strings.Repeat(`]}`, n)
}

var slowPairs = []slow{
	{"each item reported", itemsOf(`{"type": "string"}`), same(`1`), false},
	{"each item reported ten times", itemsOf(`{"allOf": [` + times(10, `{"minimum": 5}`) + `]}`), same(`1`), true},
	{"uniqueItems, nested arrays", field(`{"type": "array", "uniqueItems": true}`), nested(11), false},
	{"uniqueItems, numbers", field(`{"type": "array", "uniqueItems": true}`), listOf(strconv.Itoa), false},
	{"uniqueItems, exponents", field(`{"type": "array", "uniqueItems": true}`), listOf(func(i int) string { return fmt.Sprintf("%de%d", i, 300+i%100) }), false},
	{"uniqueItems, objects", field(`{"type": "array", "uniqueItems": true}`), listOf(func(i int) string { return fmt.Sprintf(`{"a":%d,"b":[]}`, i) }), false},
	{"contains", field(`{"type": "array", "contains": {"enum": ["x", "y"]}, "minContains": 3}`), same(`1`), false},
	{"enum of numbers", itemsOf(`{"enum": [` + count(2000, "%d") + `]}`), same(`-1`), true},
	{"enum of texts", itemsOf(`{"enum": [` + count(2000, `"%07d"`) + `]}`), same(`"1234567"`), true},
	{"enum of arrays", itemsOf(`{"enum": [` + count(500, `[1,2,3,%d]`) + `]}`), same(`[1,2,3,-1]`), true},
	{"anyOf in items", itemsOf(`{"anyOf": [` + times(200, `{"const": 2}`) + `]}`), same(`1`), true},
	{"oneOf in items", itemsOf(`{"oneOf": [` + times(200, `{"type": "string"}`) + `]}`), same(`1`), true},
	{"not in not", itemsOf(`{"not": {"not": {"not": {"not": {"type": "string"}}}}}`), same(`1`), true},
	{"if in items", itemsOf(`{"if": {"minimum": 2}, "then": {"minimum": 3}, "else": {"maximum": 0}}`), same(`1`), true},
	{"deep anyOf", itemsOf(deep(28, `{"type": "string"}`)), same(`1`), true},
	{"many names in many objects", itemsOf(`{"type": "object", "additionalProperties": false, "properties": {` + count(2000, `"p%d": {"type": "null"}`) + `}}`), same(`{}`), true},
	{"required", itemsOf(`{"type": "object", "additionalProperties": false, "properties": {"b": {}}, "required": [` + count(500, `"p%d"`) + `]}`), same(`{}`), true},
	{"dependentRequired", itemsOf(`{"type": "object", "additionalProperties": false, "properties": {"b": {}}, "dependentRequired": {"b": [` + count(500, `"p%d"`) + `]}}`), same(`{"b":1}`), true},
	{"patternProperties", field(`{"type": "object", "additionalProperties": false, "patternProperties": {` + count(100, `"x.*y.*z.*%d": {"type": "string"}`) + `}}`), names(6, `0`), true},
	{"patternProperties, long names", field(`{"type": "object", "additionalProperties": false, "patternProperties": {"(x|y|[0-9]{1,9})*z": {"type": "string"}}}`), names(50_000, `0`), false},
	{"propertyNames", field(`{"type": "object", "additionalProperties": false, "propertyNames": {"pattern": "^(a|b|0)*$"}}`), names(6, `0`), false},
	{"unknown names", field(`{"type": "object", "additionalProperties": false}`), names(1, `0`), false},
	{"unknown names, many times", field(`{"type": "object", "additionalProperties": false, "allOf": [` + times(30, `{"additionalProperties": false}`) + `]}`), names(6, `0`), true},
	{"unevaluatedProperties", field(`{"type": "object", "unevaluatedProperties": false, "allOf": [` + times(30, `{"minProperties": 1}`) + `]}`), names(6, `0`), false},
	{"unevaluatedItems", field(`{"type": "array", "unevaluatedItems": {"type": "string"}, "allOf": [` + times(10, `{"minItems": 1}`) + `]}`), same(`0`), true},
	{"long name above many items", field(`{` + object + `{"type": "array", "items": {"type": "string"}}}`), func(size int) string {
		return `{"a":{"` + strings.Repeat("n", size/2) + `":[` + times(max(1, size/4), "1") + `]}}`
	}, true},
	{"long name of the schema above many items", field(`{"type": "object", "additionalProperties": false, "properties": {"` + strings.Repeat("n", 100_000) + `": {"type": "array", "items": {"type": "string"}}}}`), func(size int) string {
		return `{"a":{"` + strings.Repeat("n", 100_000) + `":[` + times(max(1, size-100_100)/2, "1") + `]}}`
	}, true},
	{"objects in objects", itemsOf(`{` + object + `{` + object + `{` + object + `{"type": "string"}}}}`), same(`{"x":{"x":{"x":1}}}`), false},
	{"a long pattern", field(`{"type": "string", "pattern": "(a|b|ab|[a-z]{1,900})*$"}`), textOf("a"), true},
	{"an alternation", field(`{"type": "string", "pattern": "(x+x+)+y"}`), textOf("x"), false},
	{"a pattern of many short texts", itemsOf(`{"type": "string", "pattern": "[a-z]{1,30}[0-9]"}`), same(`"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`), false},
	{"patterns of texts", field(`{"type": "string", "allOf": [` + count(100, `{"pattern": "(.*)(.*)(.*)%d"}`) + `]}`), textOf("a"), true},
	{"maxLength", field(`{"type": "string", "allOf": [` + times(100, `{"maxLength": 5}`) + `]}`), textOf("ä"), false},
	{"multipleOf", itemsOf(`{"multipleOf": 0.0000001}`), same(`1`), true},
	{"multipleOf, exponents", itemsOf(`{"multipleOf": 3e-399}`), same(`7e399`), true},
	{"multipleOf, long numbers", itemsOf(`{"multipleOf": 0.1234567890123456789012345678901234567890123456789012345678901}`), same(`0.987654321098765432109876543210987654321098765432109876543211`), false},
	{"maximum, exponents", itemsOf(`{"maximum": 1e-399, "minimum": 1e399}`), same(`7e399`), true},
	{"integer, exponents", itemsOf(`{"type": "integer"}`), same(`7e-399`), false},
	{"format duration", field(`{"type": "string", "format": "duration"}`), func(size int) string { return `{"a":"P` + strings.Repeat("1D", size/2-8) + `"}` }, true},
	{"format period", field(`{"type": "string", "format": "period"}`), func(size int) string {
		return `{"a":"2026-01-01T00:00:00Z/P` + strings.Repeat("1D", max(1, size/2-20)) + `"}`
	}, true},
	{"format uri", field(`{"type": "string", "format": "uri"}`), textOf("a:%41/"), false},
	{"format uri-template", field(`{"type": "string", "format": "uri-template"}`), textOf("/{a}"), false},
	{"format iri-reference", itemsOf(`{"type": "string", "format": "iri-reference"}`), same(`"//[::1]:8/%41"`), false},
	{"format json-pointer", field(`{"type": "string", "format": "json-pointer"}`), textOf("/~0"), false},
	{"format relative-json-pointer", field(`{"type": "string", "format": "relative-json-pointer"}`), textOf("1"), false},
	{"format ipv6", field(`{"type": "string", "format": "ipv6"}`), textOf("1:"), false},
	{"format hostname", field(`{"type": "string", "format": "hostname"}`), textOf("a."), false},
	{"format email", itemsOf(`{"type": "string", "format": "email"}`), same(`"(a(b)c)aaaaaaaaaaaaaaaaaaaaaaaaaaaa@bbbbbbbbbbbbb.ccccccccccc"`), false},
	{"format date-time", itemsOf(`{"type": "string", "format": "date-time"}`), same(`"2026-01-01T00:00:00.000000000000000000+01:00"`), false},
	{"format, not valid and long", field(`{"type": "string", "allOf": [` + times(50, `{"format": "uuid"}`) + `]}`), textOf(`\u0001`), false},
	{"const that is long", itemsOf(`{"const": "` + strings.Repeat("x", 1000) + `"}`), same(`1`), true},
}

// TestNoEventHoldsItsLane: of each pair, the longest event of all is refused or
// within the budget, and the longest within a tenth of the budget is validated in
// little time; with AMTSBOTE_CHAOS=long within all of it. What it took shows with
// -v; what is asserted leaves room for a machine that has others to serve.
func TestNoEventHoldsItsLane(t *testing.T) {
	alone(t)
	budget, limit := int64(Budget/10), 2*time.Second
	if os.Getenv("AMTSBOTE_CHAOS") == "long" {
		budget, limit = Budget, 15*time.Second
	}
	for _, c := range slowPairs {
		t.Run(c.name, func(t *testing.T) {
			s, errs := admitText(c.members)
			if errs != nil {
				t.Fatal(errs)
			}
			if fits := s.count(decodeLong(t, c.data(maxEvent)), Budget) >= 0; fits == c.refused {
				t.Errorf("the longest event fits: %v", fits)
			}
			size := c.longest(t, s, budget)
			in := decodeLong(t, c.data(size))
			used := budget - s.count(in, budget)
			began := time.Now()
			s.Validate(in)
			took := time.Since(began)
			t.Logf("%7d bytes, %9d units, %v, %.1f ns a unit", size, used, took, float64(took)/float64(used))
			if took > limit {
				t.Errorf("an event within the budget took %v", took)
			}
		})
	}
}

// longest finds about the longest event within a budget.
func (c slow) longest(t *testing.T, s *Schema, budget int64) int {
	t.Helper()
	fits := func(size int) bool { return s.count(decodeLong(t, c.data(size)), budget) >= 0 }
	size := 500
	for 2*size <= maxEvent && fits(2*size) {
		size *= 2
	}
	for step := size / 2; step > size/50; step /= 2 {
		if size+step <= maxEvent && fits(size+step) {
			size += step
		}
	}
	return size
}

// A verdict is the same each time, whatever the order in which Go goes through
// an object.
func TestViolationsAreTheSameEachTime(t *testing.T) {
	s, errs := admitText(closed + `"properties": {` + count(60, `"p%d": {"type": "string"}`) + `}`)
	if errs != nil {
		t.Fatal(errs)
	}
	in := doc(t, `{`+count(60, `"p%d": 1`)+`}`)
	first := s.Validate(in)
	for range 20 {
		if again := s.Validate(in); !slices.Equal(first, again) {
			t.Fatalf("%v, then %v", first, again)
		}
	}
}

// What is beyond the budget is said to be so, and not looked at: neither valid
// nor invalid.
func TestBeyondTheBudget(t *testing.T) {
	s, errs := admitText(field(`{"type": "array", "maxItems": 3, "items": {"enum": [` + count(2000, "%d") + `]}}`))
	if errs != nil {
		t.Fatal(errs)
	}
	for _, item := range []string{"1", "-1"} {
		got := s.Validate(decodeLong(t, same(item)(maxEvent)))
		if !slices.Equal(got, []Violation{{Keyword: KeywordBudget}}) {
			t.Errorf("got %v", got)
		}
	}
	if got := s.Validate(doc(t, `{"a":[1,2,3,4]}`)); len(got) != 1 || got[0].Keyword != "maxItems" {
		t.Errorf("got %v", got)
	}
}

// Every type that comes with the program may fill the longest event with what
// its examples hold.
func TestOrdinaryEventsAreWithinTheBudget(t *testing.T) {
	r := embeddedForTest(t)
	for _, typ := range r.Types() {
		files, err := filepath.Glob(filepath.Join(typ, "valid", "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no examples: %v", typ, err)
		}
		s, _ := r.Lookup(typ)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in := doc(t, string(raw))
			short, _ := json.Marshal(in)
			used := Budget - s.count(in, Budget)
			if whole := used * maxEvent / int64(len(short)); whole > Budget {
				t.Errorf("%s: an event of 1 MiB would need %d units", file, whole)
			}
		}
	}
}

// decodeLong decodes as flow/check does, without the limit of schema files.
func decodeLong(t *testing.T, text string) any {
	t.Helper()
	v, err := decodeNumbers([]byte(text))
	if err != nil {
		t.Fatalf("%v in %.60s", err, text)
	}
	return v
}
