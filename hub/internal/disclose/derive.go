package disclose

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/schemas"
)

// object is a schema or another JSON object.
type object = map[string]any

// deriver makes the schema of cut data from the schema of the whole.
type deriver struct{ refused []PointerError }

func derive(s *schemas.Schema, id string, k *keep) ([]byte, []error) {
	var d deriver
	d.values(view(s.Resolved()), k, "")
	root := d.schema(s.Resolved(), k, "")
	if len(d.refused) > 0 {
		return nil, d.errors()
	}
	root["$id"] = id
	closeRoot(root, k)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, []error{err}
	}
	return out.Bytes(), nil
}

func (d *deriver) errors() []error {
	out := make([]error, len(d.refused))
	for i := range d.refused {
		out[i] = &d.refused[i]
	}
	return out
}

// closeRoot says at the root what its allOf says, since admission looks only there:
// the whole schema may have said it by a $ref.
func closeRoot(root object, k *keep) {
	named, _ := root["properties"].(object)
	if named == nil {
		named = object{}
	}
	for name := range k.names {
		if named[name] == nil {
			named[name] = object{}
		}
	}
	root["type"], root["properties"], root["additionalProperties"] = "object", named, false
}

func (d *deriver) refuse(pointer, keyword string) {
	if pointer == "" {
		pointer = "/"
	}
	one := PointerError{Pointer: pointer, Keyword: keyword, Err: ErrNotDerivable}
	if !slices.Contains(d.refused, one) {
		d.refused = append(d.refused, one)
	}
}

// schema derives node, which stands at pointer and of which k remains.
func (d *deriver) schema(node object, k *keep, at string) object {
	if k.all {
		return node
	}
	return d.part(node, k, at)
}

// part derives node of which not all remains.
func (d *deriver) part(node object, k *keep, at string) object {
	out := make(object, len(node))
	for _, name := range slices.Sorted(maps.Keys(node)) {
		d.keyword(out, node, name, k, at)
	}
	return out
}

func (d *deriver) keyword(out, node object, name string, k *keep, at string) {
	v := node[name]
	switch name {
	case "properties":
		out[name] = d.properties(v, k, at)
	case "required":
		out[name] = slices.DeleteFunc(texts(v), func(field string) bool { return k.names[field] == nil })
	case "allOf":
		var parts []any
		for _, n := range nodes(v) {
			parts = append(parts, d.part(n, k, at))
		}
		out[name] = parts
	case "items":
		if n, ok := v.(object); ok {
			v = d.schema(n, k, at)
		}
		out[name] = v
	case "default", "examples": // would hold what is cut
	default:
		if bars(name, v, k) {
			d.refuse(at, name)
		}
		out[name] = v
	}
}

func (d *deriver) properties(v any, k *keep, at string) object {
	out := object{}
	named, _ := v.(object)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		node, ok := named[name].(object)
		if kept := k.names[name]; kept != nil && ok {
			out[name] = d.schema(node, kept, at+"/"+escape(name))
		}
	}
	return out
}

// texts gives an array of strings, nodes one of schemas; admission has seen to
// it that there is nothing else in them.
func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, one := range list {
		if s, ok := one.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func nodes(v any) []object {
	list, _ := v.([]any)
	out := make([]object, 0, len(list))
	for _, one := range list {
		if n, ok := one.(object); ok {
			out = append(out, n)
		}
	}
	return out
}

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// bars tells whether a keyword stands in the way of a cut: a rule over the
// value as a whole always does, a rule over several fields does when one of
// them does not remain entirely.
func bars(name string, v any, k *keep) bool {
	switch name {
	case "enum", "const", "minProperties", "patternProperties", "propertyNames",
		"unevaluatedProperties", "unevaluatedItems", "prefixItems", "contains":
		return true
	case "uniqueItems":
		return v != false
	case "additionalProperties":
		_, plain := v.(bool)
		return !plain
	case "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependentRequired":
		return touches(name, v, k)
	}
	return false
}

// touches tells whether the rule v of a combining keyword looks at anything
// that does not remain entirely.
func touches(name string, v any, k *keep) bool {
	lost := func(field string) bool { return !k.whole(field) }
	fields, _ := v.(object)
	switch name {
	case "anyOf", "oneOf", "allOf":
		return slices.ContainsFunc(nodes(v), func(n object) bool { return looks(n, k) })
	case "not", "if", "then", "else":
		return looks(v, k)
	case "required":
		return slices.ContainsFunc(texts(v), lost)
	case "properties":
		return slices.ContainsFunc(slices.Collect(maps.Keys(fields)), lost)
	case "dependentRequired", "dependentSchemas":
		for field, rule := range fields {
			if lost(field) || slices.ContainsFunc(texts(rule), lost) || name == "dependentSchemas" && looks(rule, k) {
				return true
			}
		}
		return false
	}
	return name != "type" && !strings.HasPrefix(name, "x-") && !annotation(name)
}

func looks(v any, k *keep) bool {
	node, ok := v.(object)
	if !ok {
		return true
	}
	for name, v := range node {
		if touches(name, v, k) {
			return true
		}
	}
	return false
}

func annotation(name string) bool {
	switch name {
	case "$comment", "title", "description", "deprecated", "readOnly", "writeOnly":
		return true // but default and examples may hold what is cut
	}
	return false
}
