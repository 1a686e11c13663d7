package schemas

import "sort"

// How the values of keywords hold schemas (JSON Schema 2020-12 core, 10).
type holds int

const (
	nothing  holds = iota
	one            // a schema
	list           // an array of schemas
	byName         // an object of schemas
	refining       // as one, but only narrows what stands beside it
	refiners       // as list, likewise
	refNames       // as byName, likewise
)

// keywords allowed in an event schema. Those for dynamic references, anchors
// and nested identifiers are left out: they make it unclear what a field is.
var keywords = map[string]holds{
	"$schema": nothing, "$id": nothing, "$ref": nothing, "$comment": nothing, "$defs": byName,
	"title": nothing, "description": nothing, "default": nothing, "examples": nothing,
	"deprecated": nothing, "readOnly": nothing, "writeOnly": nothing,
	"type": nothing, "enum": nothing, "const": nothing, "format": nothing,
	"minLength": nothing, "maxLength": nothing, "pattern": nothing,
	"minimum": nothing, "maximum": nothing, "exclusiveMinimum": nothing, "exclusiveMaximum": nothing, "multipleOf": nothing,
	"minItems": nothing, "maxItems": nothing, "uniqueItems": nothing, "minContains": nothing, "maxContains": nothing,
	"items": one, "prefixItems": list, "contains": refining, "unevaluatedItems": one,
	"required": nothing, "minProperties": nothing, "maxProperties": nothing, "dependentRequired": nothing,
	"properties": byName, "patternProperties": byName, "additionalProperties": one, "unevaluatedProperties": one,
	"propertyNames": refining, "dependentSchemas": refNames,
	"allOf": refiners, "anyOf": refiners, "oneOf": refiners,
	"not": refining, "if": refining, "then": refining, "else": refining,
}

// annotations may stand beside $ref without narrowing it.
var annotations = map[string]bool{
	"$comment": true, "title": true, "description": true, "default": true, "examples": true,
	"deprecated": true, "readOnly": true, "writeOnly": true,
}

// child is a schema within a schema.
type child struct {
	keyword string
	pointer string // below the parent
	refines bool
	node    any // map[string]any or bool; anything else is no schema
}

// children lists the schemas directly within node, in a stable order.
func children(node map[string]any) []child {
	var out []child
	for _, k := range sorted(node) {
		how := keywords[k]
		refines := how >= refining
		switch how {
		case one, refining:
			out = append(out, child{k, "/" + k, refines, node[k]})
		case list, refiners:
			items, _ := node[k].([]any)
			for i, n := range items {
				out = append(out, child{k, "/" + k + "/" + itoa(i), refines, n})
			}
		case byName, refNames:
			names, _ := node[k].(map[string]any)
			for _, name := range sorted(names) {
				out = append(out, child{k, "/" + k + "/" + token(name), refines, names[name]})
			}
		}
	}
	return out
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
