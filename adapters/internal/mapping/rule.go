package mapping

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// rule makes one value of an input.
type rule struct {
	name string // as people find it in the file: "data /antrag/art"

	from      *path
	constant  any
	concat    []path
	separator string
	parts     []path // year, month, day; without steps where one is not given
	each      *path
	item      []field // of a list of objects; nil for a list of single values

	convert  convert
	most     int // items of a list
	optional bool
	fallback any // default; nil when there is none
}

// field is a rule with the place that its value goes to.
type field struct {
	target []string
	rule   *rule
}

// value gives the rule's value; nil means that there is none, which the rule
// allows.
func (r *rule) value(n node) (any, error) {
	v, code := any(nil), ""
	var err error
	switch {
	case r.constant != nil:
		return r.constant, nil
	case r.each != nil:
		v, code, err = r.list(n)
	case r.concat != nil:
		v, code = r.joined(n)
	case r.parts != nil:
		v, code = r.date(n)
	default:
		v, code = r.single(n)
	}
	switch {
	case err != nil:
		return nil, err
	case code == codeMissing && r.fallback != nil:
		return r.fallback, nil
	case code == codeMissing && r.optional:
		return nil, nil
	case code != "":
		return nil, refusal(r.name, code)
	}
	return v, nil
}

// refusal names the rule and the code, and nothing of the input.
func refusal(rule, code string) error {
	return hub.Permanent(code, "mapping, rule %s: %s", rule, sentences[code])
}

func (r *rule) single(n node) (any, string) {
	s, code := one(n, *r.from)
	if code != "" {
		return nil, code
	}
	return r.convert(s)
}

// one gives the single value at a path.
func one(n node, p path) (scalar, string) {
	found := n.find(p.steps)
	switch len(found) {
	case 0:
		return scalar{}, codeMissing
	case 1:
	default:
		return scalar{}, codeSeveral
	}
	s, ok := found[0].scalar()
	switch {
	case !ok:
		return scalar{}, codeNoValue
	case s.kind == nothing:
		return scalar{}, codeMissing
	}
	return s, ""
}

// joined puts the texts together that are there; none at all is missing.
func (r *rule) joined(n node) (any, string) {
	var texts []string
	for _, p := range r.concat {
		s, code := one(n, p)
		if code == codeMissing {
			continue
		}
		if code != "" {
			return nil, code
		}
		texts = append(texts, s.text)
	}
	if texts == nil {
		return nil, codeMissing
	}
	return r.convert(scalar{text, strings.Join(texts, r.separator)})
}

// date puts a date together of year, month and day.
func (r *rule) date(n node) (any, string) {
	var got [3]string
	for i, p := range r.parts {
		if p.steps == nil {
			continue
		}
		s, code := one(n, p)
		if code != "" && code != codeMissing {
			return nil, code
		}
		got[i] = s.text
	}
	if got == [3]string{} {
		return nil, codeMissing
	}
	text, ok := partialDate(got[0], got[1], got[2])
	if !ok {
		return nil, codeDate
	}
	return r.convert(scalar{kind: 0, text: text})
}

func (r *rule) list(n node) (any, string, error) {
	nodes, code := r.itemsOf(n)
	if code != "" {
		return nil, code, nil
	}
	out := make([]any, 0, len(nodes))
	for i, item := range nodes {
		v, err := r.one(item)
		if err != nil {
			return nil, "", within(err, r.name, i+1)
		}
		out = append(out, v)
	}
	return out, "", nil
}

// itemsOf finds the items: those of the one JSON list at the path, or all XML
// elements there.
func (r *rule) itemsOf(n node) ([]node, string) {
	found := n.find(r.each.steps)
	if len(found) == 1 {
		if list, isList := found[0].items(); isList && len(list) == 0 {
			return list, ""
		} else if isList {
			found = list
		} else if _, isXML := found[0].(element); !isXML {
			if s, isValue := found[0].scalar(); isValue && s.kind == nothing {
				return nil, codeMissing
			}
			return nil, codeNoList
		}
	}
	switch {
	case len(found) == 0:
		return nil, codeMissing
	case len(found) > r.most:
		return nil, codeTooMany
	}
	return found, ""
}

// one makes the value of one item of a list.
func (r *rule) one(item node) (any, error) {
	if r.item != nil {
		return makeObject(item, r.item)
	}
	s, code := one(item, path{})
	if code == "" {
		var v any
		if v, code = r.convert(s); code == "" {
			return v, nil
		}
	}
	return nil, refusal(r.name, code)
}

// within says in which item of a list a rule failed.
func within(err error, list string, item int) error {
	f := hub.FaultOf(err)
	return hub.Permanent(f.Code, "item %d of %s: %w", item, list, f.Err)
}

// makeObject makes an object of fields.
func makeObject(n node, fields []field) (map[string]any, error) {
	out := map[string]any{}
	for _, f := range fields {
		v, err := f.rule.value(n)
		if err != nil {
			return nil, err
		}
		if v != nil {
			put(out, f.target, v)
		}
	}
	return out, nil
}

// put sets a value; that no target lies within another is made sure before.
func put(root map[string]any, target []string, v any) {
	for _, name := range target[:len(target)-1] {
		next, ok := root[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			root[name] = next
		}
		root = next
	}
	root[target[len(target)-1]] = v
}

// textOf gives the value of a rule that makes a text; "" when there is none.
func (r *rule) textOf(n node) (string, error) {
	v, err := r.value(n)
	if err != nil || v == nil {
		return "", err
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	if s, ok := v.(json.Number); ok {
		return s.String(), nil
	}
	return fmt.Sprint(v), nil
}
