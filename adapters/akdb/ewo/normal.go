package ewo

import (
	"maps"
	"slices"
	"strings"
)

// typeKeys are where the subtype of a dwelling may stand, the best first.
var typeKeys = []string{"_type", "@type", "_xsi:type", "xsi:type"}

var booleans = []string{
	"rufname", "sperrvermerk", "anschriftUnbekannt", "innerhalb", "belegGebunden", "gefoerdert", "scheinadresse",
	"ausFrueherenMeldeverhaeltnissen", "nichtEuBuerger", "staatEuMitglied", "natuerlichePerson",
}

var lists = []string{
	"vornamen", "staatsangehoerigkeiten", "wohnungen", "sperren", "passdaten", "kinder", "vertreter",
	"fruehererFamilienname", "fruehererVorname", "vorname", "ausschluesse", "waffenbesitzVerbot",
	"waffenrechtlicheErlaubnisErweitert", "sprengstoffrechtlicheErlaubnisErweitert",
}

// normal brings a value into the one form; nil means that nothing was in it.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return normalObject(v)
	case []any:
		return normalList(v)
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

func normalObject(in map[string]any) any {
	out := map[string]any{}
	for key, value := range in {
		if bookkeeping(key) {
			continue
		}
		if blocks(key, value) {
			out[key] = blocked(normal(value))
			continue
		}
		if value = field(key, normal(value)); value != nil {
			out[key] = value
		}
	}
	for _, key := range typeKeys {
		if name, ok := in[key].(string); ok && name != "" {
			out["_type"] = afterPrefix(name)
			break
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// blocks tells, before the form drops what is empty, whether a field says that there is
// a block: anything that is not null in sperren or auskunftssperre, however empty. An
// empty list has nothing in it.
func blocks(key string, raw any) bool {
	if key != "sperren" && key != "auskunftssperre" {
		return false
	}
	if l, ok := raw.([]any); ok {
		return slices.ContainsFunc(l, func(item any) bool { return item != nil })
	}
	return raw != nil
}

// blocked keeps a block of which the form would have nothing left.
func blocked(v any) any {
	if object, ok := v.(map[string]any); ok {
		return []any{object}
	}
	if v == nil {
		return true
	}
	return v
}

func normalList(in []any) any {
	out := make([]any, 0, len(in))
	for _, item := range in {
		if item = normal(item); item != nil {
			out = append(out, item)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// field gives the values of some fields the type that they ought to have.
// "vorname" is a list in FruehereVornamenType and a text in VornameType.
func field(key string, v any) any {
	if text, ok := v.(string); ok && slices.Contains(booleans, key) {
		switch strings.ToLower(text) {
		case "true", "1":
			return true
		case "false", "0":
			return false
		}
	}
	if object, ok := v.(map[string]any); ok && slices.Contains(lists, key) {
		return []any{object}
	}
	return v
}

// bookkeeping tells whether a key is a leftover of the XML before.
func bookkeeping(key string) bool {
	return slices.Contains(typeKeys, key) || strings.HasPrefix(key, "__") || strings.Contains(key, "xmlns")
}

func afterPrefix(name string) string {
	if _, local, ok := strings.Cut(name, ":"); ok {
		return local
	}
	return name
}

// object, list and text read a tree in the one form; what is not there or
// of another kind is empty.
func object(v any, path ...string) map[string]any {
	m, _ := v.(map[string]any)
	for _, key := range path {
		m, _ = m[key].(map[string]any)
	}
	return m
}

func list(m map[string]any, key string) []any {
	l, _ := m[key].([]any)
	return l
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return strings.TrimSpace(s)
}

// keys are m's keys, sorted.
func keys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
