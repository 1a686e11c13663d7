package disclose

import (
	"maps"
	"slices"
)

// values refuses what may hold more than the fields that its schemas name: the
// value at a pointer, of which k remains, must be an object, null, or an array
// of such. all are the schemas that say so together.
func (d *deriver) values(all []object, k *keep, at string) {
	if k.all {
		return
	}
	if mayBe(all, "string") || mayBe(all, "number") || mayBe(all, "integer") || mayBe(all, "boolean") ||
		at == "" && (mayBe(all, "array") || mayBe(all, "null")) {
		d.refuse(at, "type")
		return
	}
	if mayBe(all, "array") {
		d.items(all, k, at)
	}
	if !mayBe(all, "object") {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(k.names)) {
		var below []object
		for _, n := range all {
			named, _ := n["properties"].(object)
			below = append(below, view(named[name])...)
		}
		d.values(below, k.names[name], at+"/"+escape(name))
	}
}

func (d *deriver) items(all []object, k *keep, at string) {
	var below []object
	for _, n := range all {
		if n["items"] == false {
			return // none
		}
		below = append(below, view(n["items"])...)
	}
	if below == nil {
		d.refuse(at, "items")
		return
	}
	d.values(below, k, at)
}

// view is a schema with all that stands in its allOf.
func view(v any) []object {
	n, ok := v.(object)
	if !ok {
		return nil
	}
	out := []object{n}
	for _, part := range nodes(n["allOf"]) {
		out = append(out, view(part)...)
	}
	return out
}

// mayBe tells whether all schemas let a value be of a type.
func mayBe(all []object, typ string) bool {
	return !slices.ContainsFunc(all, func(n object) bool {
		switch t := n["type"].(type) {
		case string:
			return !covers(t, typ)
		case []any:
			return !slices.ContainsFunc(texts(t), func(one string) bool { return covers(one, typ) })
		}
		return false
	})
}

func covers(typ, other string) bool { return typ == other || typ == "number" && other == "integer" }
