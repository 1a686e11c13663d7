// Package accepter holds validators that can only accept. An Accepter is
// compiled from a JSON Schema and walks the bytes of a JSON text once, syntax
// and schema together, without a tree and without allocation. It says yes, or
// nothing: whatever it does not accept or does not understand goes to jsonschema
// v5, which gives the verdict and the reasons. Valid events are nearly all
// events, and cost a twentieth that way.
//
// So one rule holds for every line here: when in doubt, no yes. It may miss what
// is valid (a name with an escape, a number with an exponent that is held against
// a limit, oneOf); it must never accept what the gate of flow/accept or jsonschema
// v5 refuses. The tests hold it to that by the JSON-Schema-Test-Suite, random
// pairs and fuzzing. The same rule holds for each name that Members gives.
//
// Standards: RFC 8259 (JSON), read strictly as by RFC 7493 (I-JSON: no name
// twice, no lone surrogate); JSON Schema 2020-12 core and validation. Schemas of
// draft 7 are accepted by the same rules as far as both drafts mean the same.
package accepter

// Limits of what is accepted, those of the gate.
const (
	maxDepth    = 64
	maxNumber   = 64  // characters
	maxExponent = 400 // absolute value
)

// Accepter is a compiled schema. It is safe for concurrent use.
type Accepter struct{ root *node }

// Compile never fails: of a schema that is not understood nothing is accepted.
// The schema is decoded JSON, numbers as json.Number, and one that jsonschema v5
// compiles.
func Compile(schema any) *Accepter { return &Accepter{compile(schema)} }

// Accepts tells that raw is one strict JSON text (UTF-8, no name twice, depth
// and numbers within the gate's limits) that is valid by the schema. False tells
// nothing.
func (a *Accepter) Accepts(raw []byte) bool {
	w := walker{data: raw}
	if !w.value(a.root) {
		return false
	}
	w.space()
	return w.at == len(raw)
}

// kinds is a set of the types of JSON. A number that is known to be whole is an
// integer; only what type says of numbers holds both.
type kinds uint8

const (
	null kinds = 1 << iota
	boolean
	integer
	number
	text
	array
	object

	all = null | boolean | integer | number | text | array | object
)

// node is a schema. Of the parts that concern one type, nil means that this
// type is not narrowed.
type node struct {
	kinds   kinds // 0: a schema that accepts nothing, or one that is not understood
	equal   []*values
	texts   *texts
	numbers *numbers
	objects *objects
	arrays  *arrays

	// on the value as a whole, which is walked again for each
	narrowed bool      // one of these is there
	also     []*node   // allOf
	either   [][]*node // anyOf
	when     []when    // if, then, else
}

// values are those of an enum or const; lists and objects among them are left
// out, so that they are never accepted.
type values struct {
	kinds   kinds // of null and boolean: both kinds of bool
	yes, no bool
	texts   []string // in order
	numbers []int64  // fixed
}

// when is an if with its branches; nil branches accept everything. Whether the
// condition holds can be told when it only asks for the length of a text: then
// one branch must accept, else both.
type when struct {
	length    *texts
	then, els *node
}

// anything is the schema true.
var anything = &node{kinds: all}

// nothing is a schema that accepts nothing.
var nothing = &node{}
