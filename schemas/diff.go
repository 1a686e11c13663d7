package schemas

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ChangeKind is how a field differs between two schemas.
type ChangeKind string

// The kinds.
const (
	FieldAdded    ChangeKind = "added"
	FieldRemoved  ChangeKind = "removed"
	FieldRequired ChangeKind = "required" // it must be there now
	FieldOptional ChangeKind = "optional" // it may be left out now
	FieldRule     ChangeKind = "rule"     // other values are allowed than before
	FieldCategory ChangeKind = "category" // its category of personal data or its block is another
	FieldMark     ChangeKind = "mark"     // it serves otherwise as an address or a condition
	FieldText     ChangeKind = "text"     // its label or description is another

	// Of the type as a whole.
	SchemaKeep       ChangeKind = "keep"       // how long a released event is kept
	SchemaAttributes ChangeKind = "attributes" // which attributes an event may carry
)

// Change is one difference.
type Change struct {
	Pointer string // of the field; "" is the data as a whole
	Kind    ChangeKind
}

// Diff lists what is different in next, by pointer. Where a rule that is not one field's
// alone differs (allOf, if, a limit of items), the field or the whole that it stands at
// has changed its rule.
func Diff(old, next *Schema) []Change {
	var out []Change
	if old.Keep != next.Keep {
		out = append(out, Change{"", SchemaKeep})
	}
	if !slices.Equal(slices.Sorted(slices.Values(old.Attributes)), slices.Sorted(slices.Values(next.Attributes))) {
		out = append(out, Change{"", SchemaAttributes})
	}
	before, after := fieldsBy(old), fieldsBy(next)
	names := slices.Sorted(maps.Keys(before))
	for pointer := range after {
		if _, was := before[pointer]; !was {
			names = append(names, pointer)
		}
	}
	slices.Sort(names)
	for _, pointer := range names {
		was, had := before[pointer]
		is, has := after[pointer]
		switch {
		case !had:
			out = append(out, Change{pointer, FieldAdded})
		case !has:
			out = append(out, Change{pointer, FieldRemoved})
		default:
			out = append(out, differences(old, next, was, is)...)
		}
	}
	return out
}

// fieldsBy gives the fields by pointer, and the whole as "".
func fieldsBy(s *Schema) map[string]Field {
	out := map[string]Field{"": {Title: s.Title, TitleEn: s.TitleEn, Description: s.Description, DescriptionEn: s.DescriptionEn}}
	for _, f := range s.Fields() {
		out[f.Pointer] = f
	}
	return out
}

func differences(old, next *Schema, was, is Field) (out []Change) {
	add := func(differs bool, k ChangeKind) {
		if differs {
			out = append(out, Change{is.Pointer, k})
		}
	}
	required := isRequired(next, is.at)
	if isRequired(old, was.at) != required {
		add(required, FieldRequired)
		add(!required, FieldOptional)
	}
	add(!reflect.DeepEqual(rule(nodeAt(old.resolved, was.at)), rule(nodeAt(next.resolved, is.at))), FieldRule)
	add(was.Datenkategorie != is.Datenkategorie || was.Sperre != is.Sperre, FieldCategory)
	add(was.Adresse != is.Adresse || was.Bedingung != is.Bedingung, FieldMark)
	add(was.Title != is.Title || was.TitleEn != is.TitleEn || was.Description != is.Description || was.DescriptionEn != is.DescriptionEn, FieldText)
	return out
}

// isRequired tells whether the object that a field stands in demands it.
func isRequired(s *Schema, at string) bool {
	cut := strings.LastIndex(at, "/properties/")
	if cut < 0 {
		return false
	}
	object, _ := nodeAt(s.resolved, at[:cut]).(map[string]any)
	list, _ := object["required"].([]any)
	return slices.Contains(list, any(untoken(at[cut+len("/properties/"):])))
}

// nodeAt gives what stands at a pointer of a schema.
func nodeAt(v any, pointer string) any {
	for pointer != "" {
		var name string
		name, pointer = step(pointer)
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// rule is what a place of a schema demands by itself: without what only explains, and
// without its properties, each of which is a field of its own.
func rule(node any) any {
	object, is := bare(node).(map[string]any)
	if !is {
		return node
	}
	delete(object, "properties")
	delete(object, "required")
	if items, has := object["items"]; has {
		object["items"] = rule(items)
	}
	return object
}

// bare is a copy of a schema without what only explains.
func bare(node any) any {
	object, is := node.(map[string]any)
	if !is {
		return node
	}
	out := copied(object)
	for k := range object {
		if annotations[k] || k == "$id" || k == "$schema" || strings.HasPrefix(k, "x-") {
			delete(out, k)
		}
	}
	for _, c := range children(out) {
		put(out, c, bare(c.node))
	}
	return out
}
