package disclose_test

// tameRules do not stand in the way of a cut.
func (t *drawer) tameRules(s *shape) object {
	if s.item != nil {
		return object{"minItems": 1, "maxItems": 2, "uniqueItems": false, "examples": list(list("geheim"))}
	}
	if len(s.fields) == 0 {
		return nil
	}
	return object{"maxProperties": len(s.fields), "default": t.example(s), "examples": list(t.example(s))}
}

func (t *drawer) example(s *shape) object { return object{rapidPick(t, s.fields).name: "geheim"} }

// arrayRule draws a rule over the array s as a whole.
func (t *drawer) arrayRule(s *shape, out object) {
	switch k := pick(t, "array rule", "uniqueItems", "contains", "prefixItems", "unevaluatedItems", "not", "enum"); k {
	case "uniqueItems":
		out[k] = true
	case "contains":
		out[k] = t.condition(s.item, 2)
	case "prefixItems":
		out[k] = list(object{"type": "object", "additionalProperties": false, "x-nicht-personenbezogen": true})
	case "unevaluatedItems":
		out[k] = false
	case "not":
		out[k] = object{"minItems": 2}
	case "enum":
		out[k] = list(list(), list(object{}), list(object{}, object{}))
	}
}

// rule draws a rule over the object s as a whole or over several of its fields.
func (t *drawer) rule(s *shape, out object) {
	all := []string{
		"anyOf", "oneOf", "not", "if", "dependentRequired", "dependentSchemas", "allOf",
		"propertyNames", "patternProperties", "unevaluatedProperties", "minProperties", "enum", "const",
	}
	if t.friendly {
		all = all[:7]
	}
	k := rapidPick(t, all)
	cond := func() object { return t.condition(s, 2) }
	switch k {
	case "anyOf", "oneOf":
		out[k] = list(cond(), cond())
	case "allOf":
		out[k] = list(cond())
	case "not":
		out[k] = cond()
	case "if":
		out[k] = cond()
		out[pick(t, "branch", "then", "else")] = cond()
	case "dependentSchemas":
		out[k] = object{t.nameOf(s): cond()}
	case "dependentRequired":
		out[k] = object{t.nameOf(s): list(t.nameOf(s))}
	default:
		t.wholeRule(s, k, out)
	}
}

func (t *drawer) wholeRule(s *shape, k string, out object) {
	switch k {
	case "propertyNames":
		all := list("nie")
		for _, f := range s.fields {
			all = append(all, f.name)
		}
		out[k] = object{"enum": all}
	case "patternProperties":
		out[k] = object{"^a": pick(t, "value", object{"type": "string"}, object{"minProperties": 1}, object{"required": list(t.nameOf(s))})}
	case "unevaluatedProperties":
		out[k] = false
	case "minProperties":
		out[k] = t.n(0, 3, "count")
	case "enum":
		out[k] = list(object{}, object{t.nameOf(s): "rot"}, nil)
	case "const":
		out[k] = pick(t, "const", object{}, object{t.nameOf(s): "rot"})
	}
}

func (t *drawer) nameOf(s *shape) string {
	if len(s.fields) == 0 {
		return "nie"
	}
	if t.friendly || len(t.whole) > 0 && !t.oneIn(3, "cut") {
		return rapidPick(t, t.whole)
	}
	return rapidPick(t, s.fields).name
}

// condition draws a schema that looks at some fields of s.
func (t *drawer) condition(s *shape, depth int) object {
	if depth == 0 || s == nil || len(s.fields) == 0 {
		return object{"type": pick(t, "type", "object", "string")}
	}
	out := object{}
	if t.oneIn(4, "texts") {
		out["title"], out["default"], out["examples"] = "Titel", t.example(s), list(t.example(s))
	}
	kind := t.n(0, 5, "condition")
	if kind == 2 && t.friendly {
		kind = 0
	}
	switch name := t.nameOf(s); kind {
	case 0:
		out["required"] = list(name)
	case 1:
		out["properties"] = object{name: t.valueOf(s, name, depth)}
	case 2:
		out[pick(t, "count", "minProperties", "maxProperties")] = t.n(0, 3, "properties")
	case 3:
		out["type"] = "object"
	default:
		t.rule(s, out)
	}
	return out
}

// valueOf draws a condition on a field, or on one of its own.
func (t *drawer) valueOf(s *shape, name string, depth int) object {
	for _, f := range s.fields {
		if f.name == name && len(f.shape.fields) > 0 {
			return object{"required": list(rapidPick(t, f.shape.fields).name)}
		}
	}
	return pick(t, "value", object{}, object{"type": "string"}, object{"const": "rot"}, object{"minProperties": depth})
}
