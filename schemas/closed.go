package schemas

// open tells whether the value of v may be an object with other fields than v
// names. What a file says at one place is linted there; this looks at what allOf,
// anyOf and references say together.
func (v view) open() bool {
	for _, p := range widen(v) {
		if named, _ := p.node["properties"].(map[string]any); len(named) > 0 || hasType(p.node, "object") {
			return !v.closed()
		}
	}
	return false // anything, disclosed as a whole
}

// closed tells whether v lets no object have fields without a name.
func (v view) closed() bool {
	for i := 0; i < len(v); i++ {
		node := v[i].node
		if node["type"] != nil && !hasType(node, "object") ||
			node["additionalProperties"] != nil || node["unevaluatedProperties"] != nil ||
			allClosed(node["anyOf"]) || allClosed(node["oneOf"]) {
			return true
		}
		parts, _ := node["allOf"].([]any)
		for _, part := range parts {
			if n, ok := part.(map[string]any); ok {
				v = append(v[:len(v):len(v)], place{node: n})
			}
		}
	}
	return false
}

// allClosed tells whether there are branches and each of them is closed.
func allClosed(branches any) bool {
	list, _ := branches.([]any)
	for _, branch := range list {
		n, ok := branch.(map[string]any)
		if !ok || !(view{{node: n}}).closed() {
			return false
		}
	}
	return len(list) > 0
}
