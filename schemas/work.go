package schemas

import (
	"encoding/json"
	"regexp/syntax"
	"strconv"
	"strings"
)

// load is what a schema costs where it meets a value: made once from the
// schema without references, so that counting looks nothing up.
type load struct {
	types    kinds // that pass type; 0: all
	visit    int64 // whatever the value is
	compare  int64 // enum and const, but for numbers
	numbers  int64 // how often a number is read
	digits   int64 // of the longest number that it is held against
	object   int64 // keywords that list names
	perByte  int64 // of a text
	squared  bool  // the check of the format costs the square of the length
	unique   bool
	named    map[string]*load
	names    *load
	patterns []namePattern
	others   []*load // members without a name in named
	prefix   []*load
	items    []*load // items behind prefix
	each     []*load // all items
	inPlace  []*load // on the value itself
}

type namePattern struct {
	insts int64
	then  *load
}

// kinds is a set of the types of JSON.
type kinds uint8

const (
	isNull kinds = 1 << iota
	isBool
	isNumber
	isString
	isArray
	isObject
)

var kindNames = map[string]kinds{
	"null": isNull, "boolean": isBool, "number": isNumber, "integer": isNumber, "string": isString, "array": isArray, "object": isObject,
}

func kindOf(v any) kinds {
	switch v.(type) {
	case nil:
		return isNull
	case bool:
		return isBool
	case json.Number:
		return isNumber
	case string:
		return isString
	case []any:
		return isArray
	case map[string]any:
		return isObject
	}
	return 0 // no JSON: the library panics, which costs nothing
}

// loadOf looks at a schema without references. A boolean schema only reports.
func loadOf(schema any) *load {
	l := &load{visit: unitVisit}
	node, ok := schema.(map[string]any)
	if !ok {
		return l
	}
	l.keywords(node)
	for _, c := range children(node) {
		l.child(c)
	}
	return l
}

func (l *load) keywords(node map[string]any) {
	switch t := node["type"].(type) {
	case string:
		l.types = kindNames[t]
		l.integer(t)
	case []any:
		for _, name := range t {
			s, _ := name.(string)
			l.types |= kindNames[s]
			l.integer(s)
		}
	}
	for _, k := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
		l.number(node[k], 1)
	}
	l.number(node["multipleOf"], 4) // a division, which looks for common factors
	for _, v := range values(node["enum"]) {
		l.equal(v)
	}
	if v, ok := node["const"]; ok {
		l.equal(v)
	}
	named, _ := node["properties"].(map[string]any)
	l.object = int64(len(named)) * unitCompare
	l.object += int64(weight(node["required"])) * 2 * unitCompare        // reported together
	l.object += int64(weight(node["dependentRequired"])) * 2 * unitVisit // each by itself
	l.unique = node["uniqueItems"] == true
	if p, ok := node["pattern"].(string); ok {
		l.perByte += instructions(p)
	}
	if f, ok := node["format"].(string); ok {
		l.perByte += 2
		l.squared = f == "duration" || f == "period"
	}
}

func (l *load) integer(typ string) {
	if typ == "integer" {
		l.numbers++
	}
}

// number adds a keyword that reads a number and holds it against limit.
func (l *load) number(limit any, reads int64) {
	if n, ok := limit.(json.Number); ok {
		l.numbers += reads
		l.digits = max(l.digits, digits(n))
	}
}

// equal adds the comparison with v, whatever it is compared with.
func (l *load) equal(v any) {
	if n, ok := v.(json.Number); ok {
		l.number(n, 2)
		return
	}
	l.compare += int64(weight(v))*unitCompare + int64(numbersIn(v))*2*unitNumber
}

// numbersIn weighs the numbers within v by their digits.
func numbersIn(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += numbersIn(member)
		}
	case []any:
		for _, item := range v {
			n += numbersIn(item)
		}
	case json.Number:
		n = 1 + int(digits(v))/80
	}
	return n
}

func (l *load) child(c child) {
	n := loadOf(c.node)
	last := untoken(c.pointer[strings.LastIndexByte(c.pointer, '/')+1:])
	switch c.keyword {
	case "properties":
		if l.named == nil {
			l.named = map[string]*load{}
		}
		l.named[last] = n
	case "patternProperties":
		l.patterns = append(l.patterns, namePattern{instructions(last), n})
	case "propertyNames":
		l.names = n
	case "additionalProperties", "unevaluatedProperties":
		l.others = append(l.others, n)
	case "prefixItems":
		l.prefix = append(l.prefix, n)
	case "items":
		l.items = append(l.items, n)
	case "contains", "unevaluatedItems":
		l.each = append(l.each, n)
	default:
		l.inPlace = append(l.inPlace, n)
	}
}

// text is the work on a text of so many bytes.
func (l *load) text(size int) int64 {
	n := int64(size)
	work := n/8 + n*l.perByte
	if l.squared {
		work += n * n / 64
	}
	return work
}

// numberWork is the work of reading a number as a fraction of whole numbers, and
// of holding it against another of so many digits.
func numberWork(n json.Number, others int64) int64 {
	d := digits(n) + others
	return unitNumber + d/4
}

// digits is how many a number has when it is written without an exponent (the
// gate: at most 64 and 400).
func digits(n json.Number) int64 {
	at := strings.IndexAny(string(n), "eE")
	if at < 0 {
		return int64(len(n))
	}
	exp, _ := strconv.Atoi(string(n)[at+1:])
	return int64(at + max(exp, -exp))
}

// instructions is the size of a pattern's program: RE2 takes at most this many
// steps a byte (regexp/syntax).
func instructions(pattern string) int64 {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0 // refused by the linter
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0
	}
	return int64(len(prog.Inst))
}

func values(v any) []any {
	list, _ := v.([]any)
	return list
}

// weight is roughly how much there is of v: its values, and its texts in steps
// of 16 bytes.
func weight(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			n += 1 + len(name)/16 + weight(member)
		}
	case []any:
		for _, item := range v {
			n += weight(item)
		}
	case string:
		n += len(v) / 16
	case json.Number:
		n += len(v) / 16
	}
	return n
}
