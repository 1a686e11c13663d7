package schemas

import (
	"strconv"
	"strings"
)

// maxNodes bounds a schema after its references are resolved. Each node is
// visited at most once per value, so this bounds the cost of validation too.
const maxNodes = 5000

const sharedPrefix = IDPrefix + "gemeinsam."

// resolver replaces every $ref by a copy of its target. Recursion is refused,
// so that every field of a type has one finite path.
type resolver struct {
	root   map[string]any
	shared map[string]*document
	p      *problems
	nodes  int
}

// resolve gives node without references. stack holds the references being
// resolved; pointer is where node or the outermost reference stands in the file.
func (r *resolver) resolve(node map[string]any, pointer string, stack []string) map[string]any {
	if r.nodes++; r.nodes > maxNodes {
		return map[string]any{}
	}
	out := make(map[string]any, len(node))
	for k, v := range node {
		if k != "$defs" && k != "$ref" {
			out[k] = v
		}
	}
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

// put replaces the child c of node, copying the container it stands in.
func put(node map[string]any, c child, value any) {
	last := untoken(c.pointer[strings.LastIndexByte(c.pointer, '/')+1:])
	switch in := node[c.keyword].(type) {
	case []any:
		fresh := append([]any(nil), in...)
		i, _ := strconv.Atoi(last)
		fresh[i] = value
		node[c.keyword] = fresh
	case map[string]any:
		if how := keywords[c.keyword]; how == one || how == refining {
			node[c.keyword] = value
			return
		}
		fresh := make(map[string]any, len(in))
		for k, v := range in {
			fresh[k] = v
		}
		fresh[last] = value
		node[c.keyword] = fresh
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
