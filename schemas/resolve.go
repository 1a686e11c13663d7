package schemas

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits of a schema after its references are resolved, so that a short file
// does not become a large schema. What an event may cost is bounded by Budget.
const (
	maxNodes   = 5000
	maxNesting = 100     // schemas and references within one another
	maxWeight  = 200_000 // what is no schema: values, texts, steps of patterns
)

const sharedPrefix = IDPrefix + "gemeinsam."

// resolver replaces every $ref by a copy of its target. Recursion is refused,
// so that every field of a type has one finite path.
type resolver struct {
	root   map[string]any
	shared map[string]*document
	p      *problems

	nodes, nesting, deepest, weight int
}

// dear tells what of a schema is beyond its limit, "" if nothing.
func (r *resolver) dear() (de, en string, limit int) {
	switch {
	case r.nodes > maxNodes:
		return "Das Schema hat mit aufgelösten Verweisen mehr als %d Teile.", "The schema has more than %d parts once references are resolved.", maxNodes
	case r.deepest > maxNesting:
		return "Im Schema stecken mit aufgelösten Verweisen mehr als %d Schemata und Verweise ineinander.", "The schema nests more than %d schemas and references once references are resolved.", maxNesting
	case r.weight > maxWeight:
		return "Muster, Aufzählungen und Texte des Schemas wiegen mit aufgelösten Verweisen mehr als %d.", "The patterns, enumerations and texts of the schema weigh more than %d once references are resolved.", maxWeight
	}
	return "", "", 0
}

// over counts node, and tells whether the schema is beyond its limits: then
// there is nothing to resolve any more.
func (r *resolver) over(node map[string]any) bool {
	r.nodes++
	r.deepest = max(r.deepest, r.nesting)
	if r.weight <= maxWeight {
		r.weight += ownWeight(node)
	}
	de, _, _ := r.dear()
	return de != ""
}

// ownWeight is the weight of what a schema says by itself.
func ownWeight(node map[string]any) int {
	n := 0
	for k, v := range node {
		switch {
		case k == "pattern":
			s, _ := v.(string)
			n += int(instructions(s))
		case k == "patternProperties":
			names, _ := v.(map[string]any)
			for name := range names {
				n += int(instructions(name))
			}
		case keywords[k] == nothing:
			n += weight(v)
		}
		if names, ok := v.(map[string]any); ok && keywords[k] == byName {
			for name := range names {
				n += len(name) / 16
			}
		}
	}
	return n
}

// resolve gives node without references. stack holds the references being
// resolved; pointer is where node or the outermost reference stands in the file.
func (r *resolver) resolve(node map[string]any, pointer string, stack []string) map[string]any {
	r.nesting++
	defer func() { r.nesting-- }()
	if r.over(node) {
		return map[string]any{}
	}
	out := copied(node)
	delete(out, "$defs")
	delete(out, "$ref")
	for _, c := range children(out) {
		n, ok := c.node.(map[string]any)
		if !ok {
			continue
		}
		at := pointer
		if len(stack) == 0 {
			at += c.pointer
		}
		put(out, c, r.resolve(n, at, stack))
	}
	if ref, ok := node["$ref"].(string); ok {
		return r.splice(out, ref, pointer, stack)
	}
	return out
}

// copied gives a copy of node, and of the lists and objects of schemas in it, so
// that put can work on it.
func copied(node map[string]any) map[string]any {
	out := make(map[string]any, len(node))
	for k, v := range node {
		how := keywords[k]
		switch in := v.(type) {
		case []any:
			if how == list || how == refiners {
				v = slices.Clone(in)
			}
		case map[string]any:
			if how == byName || how == refNames {
				v = maps.Clone(in)
			}
		}
		out[k] = v
	}
	return out
}

// put replaces the child c of a node that was copied.
func put(node map[string]any, c child, value any) {
	last := untoken(c.pointer[strings.LastIndexByte(c.pointer, '/')+1:])
	switch in := node[c.keyword].(type) {
	case []any:
		i, _ := strconv.Atoi(last)
		in[i] = value
	case map[string]any:
		if how := keywords[c.keyword]; how == one || how == refining {
			node[c.keyword] = value
			return
		}
		in[last] = value
	}
}

// splice joins the target of ref with what stands beside it: annotations and
// marks replace the target's own, anything else narrows it by allOf.
func (r *resolver) splice(beside map[string]any, ref, pointer string, stack []string) map[string]any {
	for _, s := range stack {
		if s == ref {
			r.p.at(pointer, CodeRefLoop, "Der Verweis %s führt zu sich selbst.", "The reference %s leads to itself.", ref)
			return beside
		}
	}
	target, ok := r.target(ref)
	if !ok {
		r.p.at(pointer, CodeRefGone, "Der Verweis %s führt ins Leere.", "The reference %s leads nowhere.", ref)
		return beside
	}
	resolved := r.resolve(target, pointer, append(stack[:len(stack):len(stack)], ref))
	delete(resolved, "$id")
	delete(resolved, "$schema")
	if !onlyAnnotations(beside) {
		all, _ := beside["allOf"].([]any)
		beside["allOf"] = append(append([]any(nil), all...), resolved)
		return beside
	}
	for k, v := range beside {
		resolved[k] = v
	}
	return resolved
}

func onlyAnnotations(node map[string]any) bool {
	for k := range node {
		if !annotations[k] && !strings.HasPrefix(k, "x-") && k != "$id" && k != "$schema" {
			return false
		}
	}
	return true
}

func (r *resolver) target(ref string) (map[string]any, bool) {
	if name, ok := strings.CutPrefix(ref, "#/$defs/"); ok {
		defs, _ := r.root["$defs"].(map[string]any)
		node, ok := defs[untoken(name)].(map[string]any)
		return node, ok
	}
	doc, ok := r.shared[ref]
	if !ok {
		return nil, false
	}
	return doc.root, true
}

func itoa(i int) string { return strconv.Itoa(i) }
