package schemas

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// maxViolations bounds what Validate reports.
const maxViolations = 20

// Keywords of violations that are none of the schema's.
const (
	KeywordInternal = "internal" // the check itself failed
	KeywordBudget   = "budget"   // the check was not made: it would take more than Budget
)

// Violation is one way in which data breaks its schema. It holds no value, and
// no name that the schema does not have.
type Violation struct {
	Pointer string // where in the data, JSON Pointer
	Keyword string // which keyword of JSON Schema, or one of the Keyword constants
}

// Validate checks data, decoded with json.Number for numbers and past the gate
// of flow/accept (depth, size of numbers). Nil means valid. Data that would take
// more than Budget is not looked at further. The violations are sorted: the same
// data gives the same ones.
func (s *Schema) Validate(doc any) []Violation { return s.validate(doc, nil) }

// ValidateOf is Validate for who has the text of doc, too. It says the same, for less: members
// of the root that the accepter accepts, one by one, the library need not look into.
func (s *Schema) ValidateOf(raw []byte, doc any) []Violation {
	if len(raw) > s.short { // the accepter is not asked about it
		raw = nil
	}
	return s.validate(doc, raw)
}

func (s *Schema) validate(doc any, raw []byte) (found []Violation) {
	defer func() {
		if recover() != nil {
			found = []Violation{{Keyword: KeywordInternal}}
		}
	}()
	if s.count(doc, Budget) < 0 {
		return []Violation{{Keyword: KeywordBudget}}
	}
	v, err := s.validator()
	if err != nil {
		return []Violation{{Keyword: KeywordInternal}}
	}
	return violations(without(v, s.accepter.Members(raw)).Validate(doc), s.names)
}

// without is a schema that accepts whatever the given members are.
func without(s *jsonschema.Schema, members []string) *jsonschema.Schema {
	if len(members) == 0 {
		return s
	}
	out := *s
	out.Properties = maps.Clone(s.Properties)
	for _, name := range members {
		if _, is := out.Properties[name]; is { // or it is only required
			out.Properties[name] = anything
		}
	}
	return &out
}

// anything accepts everything.
var anything = &jsonschema.Schema{Always: func() *bool { yes := true; return &yes }()}

// violations flattens what the library reports to the places and keywords; a
// pointer ends before the first name that is not in names (nil: all are).
func violations(err error, names map[string]bool) []Violation {
	if err == nil {
		return nil
	}
	ve, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []Violation{{Keyword: KeywordInternal}}
	}
	var out []Violation
	seen := map[Violation]bool{}
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		keyword := e.KeywordLocation[strings.LastIndexByte(e.KeywordLocation, '/')+1:]
		if len(e.Causes) == 0 || keyword == "anyOf" || keyword == "oneOf" {
			v := Violation{known(e.InstanceLocation, names), keyword}
			if !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
			return
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(ve)
	// the library goes through objects in the order of Go's maps, which is none
	slices.SortFunc(out, func(a, b Violation) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Keyword, b.Keyword))
	})
	return out[:min(len(out), maxViolations)]
}

func known(pointer string, names map[string]bool) string {
	if names == nil || pointer == "" {
		return pointer
	}
	end := 0
	for _, t := range strings.Split(pointer[1:], "/") {
		if _, err := strconv.Atoi(t); err != nil && !names[untoken(t)] {
			break
		}
		end += 1 + len(t)
	}
	return pointer[:end]
}

// Blocked names the blocks that are set in doc, in the order of s.Sperren and
// each once. A block counts as set unless its field is absent, null, false,
// zero or empty.
func (s *Schema) Blocked(doc any) []string {
	var out []string
	for _, b := range s.Sperren {
		if !slices.Contains(out, b.Name) && isSet(doc, b.Pointer) {
			out = append(out, b.Name)
		}
	}
	return out
}

func isSet(v any, pointer string) bool {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			if isSet(item, pointer) {
				return true
			}
		}
		return false
	}
	object, ok := v.(map[string]any)
	if pointer != "" {
		name, rest := step(pointer)
		return ok && isSet(object[name], rest)
	}
	for _, member := range object {
		if isSet(member, "") {
			return true
		}
	}
	return !ok && v != nil && v != false && v != "" && !zero(v)
}

// step takes the first name off a pointer.
func step(pointer string) (name, rest string) {
	name = pointer[1:]
	if at := strings.IndexByte(name, '/'); at >= 0 {
		name, rest = name[:at], name[at:]
	}
	return untoken(name), rest
}

func zero(v any) bool {
	n, ok := v.(interface{ Float64() (float64, error) })
	if !ok {
		return false
	}
	f, err := n.Float64()
	return err == nil && f == 0
}

// Conditions gives the values of the data conditions in doc by name; one whose
// field is absent or null is left out.
func (s *Schema) Conditions(doc any) map[string]any {
	out := make(map[string]any, len(s.Bedingungen))
	for name, pointer := range s.Bedingungen {
		if v := lookup(doc, pointer); v != nil {
			out[name] = v
		}
	}
	return out
}
