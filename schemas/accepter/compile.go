package accepter

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxNames bounds the names of an object that are told apart, one bit each.
const maxNames = 64

// ignored keywords say nothing about a value. The identifiers among them only
// matter to references, and those are not understood.
var ignored = []string{
	"$id", "$comment", "$defs", "definitions",
	"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
}

// drafts in which the keywords below mean the same.
var drafts = []string{
	"https://json-schema.org/draft/2020-12/schema",
	"http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-07/schema",
}

// mentions tells whether a keyword may stand somewhere in a schema.
func mentions(schema any, keyword string) bool {
	switch v := schema.(type) {
	case map[string]any:
		for name, below := range v {
			if name == keyword || mentions(below, keyword) {
				return true
			}
		}
	case []any:
		for _, below := range v {
			if mentions(below, keyword) {
				return true
			}
		}
	}
	return false
}

func compile(schema any) *node {
	switch schema := schema.(type) {
	case bool:
		if schema {
			return anything
		}
	case map[string]any:
		c := compiler{in: schema, out: &node{kinds: all}, understood: true}
		for keyword, v := range schema {
			c.keyword(keyword, v)
		}
		c.object()
		if c.understood {
			return c.out
		}
	}
	return nothing
}

// compiler is at work on one schema.
type compiler struct {
	in         map[string]any
	out        *node
	understood bool
}

func (c *compiler) keyword(keyword string, v any) {
	switch keyword {
	case "$schema":
		s, _ := v.(string)
		c.must(slices.Contains(drafts, s) && (s == drafts[0] || !mentions(c.in, "prefixItems"))) // draft 7 does not know it
	case "type":
		c.out.kinds &= c.types(v)
	case "enum":
		list, ok := v.([]any)
		c.must(ok)
		c.equal(list)
	case "const":
		c.equal([]any{v})
	case "minLength", "maxLength", "pattern", "format":
		c.text(keyword, v)
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
		c.number(keyword, v)
	case "minItems", "maxItems", "uniqueItems", "items", "prefixItems":
		c.array(keyword, v)
	case "properties", "required", "additionalProperties", "minProperties", "maxProperties":
		// together, by object
	case "allOf", "anyOf":
		c.inPlace(keyword, v)
	case "if":
		c.condition(v)
	case "then", "else": // without if they say nothing, else by condition
	default:
		c.must(slices.Contains(ignored, keyword) || strings.HasPrefix(keyword, "x-"))
	}
}

func (c *compiler) must(ok bool) { c.understood = c.understood && ok }

var kindNames = map[string]kinds{
	"null": null, "boolean": boolean, "integer": integer, "number": integer | number,
	"string": text, "array": array, "object": object,
}

func (c *compiler) types(v any) kinds {
	names, ok := v.([]any)
	if !ok {
		names = []any{v}
	}
	var out kinds
	for _, n := range names {
		s, _ := n.(string)
		c.must(kindNames[s] != 0)
		out |= kindNames[s]
	}
	return out
}

func (c *compiler) equal(list []any) {
	out := &values{}
	for _, v := range list {
		switch v := v.(type) {
		case nil:
			out.kinds |= null
		case bool:
			out.yes, out.no = out.yes || v, out.no || !v
		case string:
			out.texts = append(out.texts, v)
		case json.Number:
			if n, ok := fixed(v); ok {
				out.numbers = append(out.numbers, n)
			}
		}
	}
	slices.Sort(out.numbers)
	slices.Sort(out.texts)
	c.out.equal = append(c.out.equal, out)
}

func (c *compiler) text(keyword string, v any) {
	if c.out.texts == nil {
		c.out.texts = &texts{max: math.MaxInt}
	}
	t := c.out.texts
	switch keyword {
	case "minLength":
		t.min = c.count(v)
	case "maxLength":
		t.max = c.count(v)
	case "pattern":
		p, ok := v.(string)
		c.must(ok)
		t.pattern, ok = newPattern(p)
		c.must(ok)
	case "format":
		f, ok := v.(string)
		c.must(ok)
		t.format = newFormat(f)
	}
}

// count reads a limit of lengths and counts.
func (c *compiler) count(v any) int {
	n, _ := v.(json.Number)
	i, err := strconv.Atoi(string(n))
	c.must(err == nil && i >= 0)
	return i
}

func (c *compiler) number(keyword string, v any) {
	if c.out.numbers == nil {
		c.out.numbers = &numbers{min: math.MinInt64, max: math.MaxInt64}
	}
	n := c.out.numbers
	literal, _ := v.(json.Number)
	limit, ok := fixed(literal)
	c.must(ok)
	switch keyword {
	case "minimum":
		n.min = max(n.min, limit)
	case "exclusiveMinimum": // no fixed number lies between limit and limit+1
		n.min = max(n.min, limit+1)
	case "maximum":
		n.max = min(n.max, limit)
	case "exclusiveMaximum":
		n.max = min(n.max, limit-1)
	case "multipleOf":
		c.must(limit > 0 && limit < maxFixed)
		n.multipleOf = limit
	}
}

func (c *compiler) array(keyword string, v any) {
	if c.out.arrays == nil {
		c.out.arrays = &arrays{max: math.MaxInt, items: anything}
	}
	a := c.out.arrays
	switch keyword {
	case "minItems":
		a.min = c.count(v)
	case "maxItems":
		a.max = c.count(v)
	case "uniqueItems":
		unique, ok := v.(bool)
		c.must(ok)
		a.unique = unique
	case "items":
		_, list := v.([]any) // draft 7: one schema an item
		c.must(!list)
		a.items = compile(v)
	case "prefixItems":
		a.prefix = c.list(v)
	}
}

func (c *compiler) object() {
	o := &objects{max: math.MaxInt, others: anything}
	named, asked := c.in["properties"].(map[string]any)
	for name, v := range named {
		o.add(name, compile(v))
	}
	if v, given := c.in["additionalProperties"]; given {
		o.others, asked = compile(v), true
	}
	if v, given := c.in["required"]; given {
		list, ok := v.([]any)
		c.must(ok)
		for _, name := range list {
			s, ok := name.(string)
			c.must(ok)
			o.require(s)
		}
		asked = true
	}
	if v, given := c.in["minProperties"]; given {
		o.min, asked = c.count(v), true
	}
	if v, given := c.in["maxProperties"]; given {
		o.max, asked = c.count(v), true
	}
	c.must(len(o.names) <= maxNames)
	if asked {
		o.after = make([]atomic.Int32, len(o.names)+1)
		c.out.objects = o
	}
}

func (c *compiler) list(v any) []*node {
	list, ok := v.([]any)
	c.must(ok)
	out := make([]*node, len(list))
	for i, s := range list {
		out[i] = compile(s)
	}
	return out
}

func (c *compiler) inPlace(keyword string, v any) {
	c.out.narrowed = true
	if keyword == "allOf" {
		c.out.also = c.list(v)
		return
	}
	c.out.either = append(c.out.either, c.list(v))
}

func (c *compiler) condition(v any) {
	w := when{length: onlyLength(v)}
	if s, given := c.in["then"]; given {
		w.then = compile(s)
	}
	if s, given := c.in["else"]; given {
		w.els = compile(s)
	}
	c.out.narrowed = true
	c.out.when = append(c.out.when, w)
}

// onlyLength reads a schema that asks for the length of a text and nothing else;
// nil if it is another.
func onlyLength(v any) *texts {
	in, ok := v.(map[string]any)
	for keyword := range in {
		ok = ok && (keyword == "minLength" || keyword == "maxLength")
	}
	if n := compile(v); ok && n != nothing {
		return n.texts
	}
	return nil
}

// fixed gives n in units of 10^-scale, when that is exact; what is beyond the
// numbers that are known is cut to the first one beyond.
func fixed(n json.Number) (int64, bool) {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(pow10[scale], 1))
	most := big.NewRat(maxFixed, 1)
	switch {
	case r.Cmp(most) >= 0:
		return maxFixed, true
	case r.Cmp(most.Neg(most)) <= 0:
		return -maxFixed, true
	}
	return r.Num().Int64(), r.IsInt()
}
