package disclose_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing/fstest"

	"github.com/amtsbote/amtsbote/schemas"
)

// draw draws a schema, and admits it as the production code does.
func (t *drawer) schema(root *shape) (*schemas.Schema, *schemas.Registry, []byte) {
	t.defs, t.shared, t.byShape = object{}, map[string]object{}, map[*shape]string{}
	doc := t.render(root, false)
	doc["$schema"], doc["$id"], doc["title"] = draft, schemas.IDPrefix+"de.test.v1", "Test"
	if !t.oneIn(6, "root by reference") {
		doc["type"] = "object"
	} else {
		whole := doc
		doc = object{"$schema": draft, "$id": whole["$id"], "title": "Test", "$ref": "#/$defs/wurzel", "required": required(root)}
		for _, k := range []string{"$schema", "$id", "title"} {
			delete(whole, k)
		}
		t.defs["wurzel"] = whole
	}
	if len(t.defs) > 0 {
		doc["$defs"] = t.defs
	}
	raw, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for name, part := range t.shared {
		part["$schema"], part["$id"], part["title"] = draft, schemas.IDPrefix+"gemeinsam."+name, "Teil"
		text, _ := json.Marshal(part)
		files["gemeinsam/"+name+".json"] = &fstest.MapFile{Data: text}
		raw = fmt.Appendf(raw, "\n// gemeinsam %s: %s", name, text)
	}
	registry, errs := (&schemas.Registry{}).With(files)
	if errs != nil {
		t.Fatalf("%v\n%s", errs, raw)
	}
	text, _ := json.Marshal(doc)
	s, errs := registry.Admit("de.test.v1", "schema.json", text)
	if errs != nil {
		t.Fatalf("%v\n%s", errs, raw)
	}
	return s, registry, raw
}

const draft = "https://json-schema.org/draft/2020-12/schema"

// render writes s, or a reference to it; in a shared part there are no $defs.
func (t *drawer) render(s *shape, isShared bool) object {
	where := s.ref
	if where == "defs" && isShared {
		where = "shared"
	}
	if where == "" {
		return t.plain(s, isShared)
	}
	name := t.byShape[s]
	if name == "" {
		name = fmt.Sprintf("t%d", len(t.byShape))
		t.byShape[s] = name
	}
	id := schemas.IDPrefix + "gemeinsam." + name
	_, inDefs := t.defs[name]
	_, inShared := t.shared[name]
	switch {
	case where == "shared" && !inShared:
		t.shared[name] = object{} // not again below
		t.shared[name] = t.plain(s, true)
	case where == "defs":
		id = "#/$defs/" + name
		if !inDefs {
			t.defs[name] = t.plain(s, false)
		}
	}
	ref := object{"$ref": id}
	switch t.n(0, 4, "beside") {
	case 0:
		ref["title"] = "Titel"
	case 1:
		ref["allOf"] = list(t.overlay(s))
	case 2:
		ref["required"] = required(s)
	}
	return ref
}

func required(s *shape) []string {
	out := []string{}
	for _, f := range s.fields {
		if f.required {
			out = append(out, f.name)
		}
	}
	return out
}

// plain writes s with parts of it said once more, or instead, in allOf.
func (t *drawer) plain(s *shape, isShared bool) object {
	out := object{}
	if s.leaf != nil {
		maps.Copy(out, s.leaf.schema)
	}
	switch len(s.kinds) {
	case 0:
	case 1:
		out["type"] = s.kinds[0]
	default:
		out["type"] = s.kinds
	}
	if s.item != nil {
		out["items"] = t.render(s.item, isShared)
	}
	part := object{}
	if slices.Contains(s.kinds, "object") || s.fields != nil || s.item == nil && s.rules != nil {
		props := object{}
		hollow := object{}
		for _, f := range s.fields {
			props[f.name] = t.render(f.shape, isShared)
			if t.oneIn(6, "hollow") {
				hollow[f.name] = props[f.name]
				props[f.name] = object{}
			}
		}
		out["properties"], out["additionalProperties"], out["required"] = props, false, required(s)
		if len(hollow) > 0 {
			part["properties"] = hollow
		}
	}
	maps.Copy(out, s.rules)
	maps.Copy(out, s.marks)
	for _, k := range slices.Sorted(maps.Keys(out)) {
		if k != "properties" && k != "additionalProperties" && k != "items" && k != "prefixItems" &&
			k != "if" && k != "then" && k != "else" && k != "unevaluatedProperties" && k != "unevaluatedItems" && t.oneIn(8, "moved") {
			part[k] = out[k]
			delete(out, k)
		}
	}
	all, _ := out["allOf"].([]any)
	if len(part) > 0 {
		if t.oneIn(3, "nested") {
			part = object{"allOf": list(part)}
		}
		all = append(all, part)
	}
	if t.oneIn(5, "overlay") {
		all = append(all, t.overlay(s))
	}
	if len(all) > 0 {
		out["allOf"] = all
	}
	return out
}

// overlay says again some of what s says.
func (t *drawer) overlay(s *shape) object {
	out := object{}
	if s.kinds != nil && t.oneIn(2, "typed") {
		out["type"] = s.kinds
	}
	if t.oneIn(3, "texts") {
		out["description"], out["$comment"] = "a: ein Text", "a"
	}
	switch {
	case s.leaf != nil:
		if t.oneIn(2, "same") {
			maps.Copy(out, s.leaf.schema)
		}
	case s.item != nil:
		out["items"] = t.overlay(s.item)
	default:
		props := object{}
		for _, f := range s.fields {
			if t.oneIn(2, "has") {
				props[f.name] = t.overlay(f.shape)
			}
		}
		out["properties"] = props
		if t.oneIn(2, "required") {
			out["required"] = required(s)
		}
	}
	if t.oneIn(4, "nested") {
		return object{"allOf": list(out, object{})}
	}
	return out
}
