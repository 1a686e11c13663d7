package disclose_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

func rapidPick[V any](t *drawer, list []V) V { return rapid.SampledFrom(list).Draw(t.T, "one") }

// instance writes a random instance with odd but legal spelling. kept, if not
// nil, allows for faults: only in what remains of the pointers kept.
func (t *drawer) instance(s *shape, at string, kept []string) string {
	space := func() string { return pick(t, "space", "", "", " ", "\n\t") }
	mayFail := kept != nil && (under(kept, at) || over(at, kept))
	fault := mayFail && t.oneIn(8, "fault")
	switch loose := pick(t, "loose", "object", "array", "string", "null"); {
	case fault && at != "":
		return pick(t, "wrong", `"~~~~"`, "-99999.5", "true", "null")
	case s.leaf != nil:
		return space() + rapidPick(t, s.leaf.values) + space()
	case s.may(loose) && loose == "string":
		return `"geheim"`
	case s.may(loose) && loose == "null":
		return "null"
	case s.item == nil && s.may(loose) && loose == "array":
		return pick(t, "array", `[1,"geheim"]`, "[]", `[{"a":"geheim"}]`)
	case s.item != nil:
		var items []string
		least, most := 1, 2 // which every rule allows
		if mayFail || s.rules == nil {
			least, most = 0, 3
		}
		for range t.n(least, most, "items") {
			items = append(items, space()+t.instance(s.item, at, kept))
		}
		return space() + "[" + strings.Join(items, ",") + space() + "]" + space()
	}
	return space() + "{" + strings.Join(t.members(s, at, kept, space), ",") + space() + "}" + space()
}

func (s *shape) may(kind string) bool {
	for _, k := range s.kinds {
		if k == kind {
			return true
		}
	}
	return s.kinds == nil && s.leaf == nil
}

func (t *drawer) members(s *shape, at string, kept []string, space func() string) []string {
	var out []string
	for _, f := range rapid.Permutation(s.fields).Draw(t.T, "order") {
		pointer := at + "/" + token(f.name)
		mayFail := kept != nil && (under(kept, pointer) || over(pointer, kept))
		if !f.required && t.oneIn(3, "absent") || mayFail && t.oneIn(10, "missing") {
			continue
		}
		name := strconv.QuoteToASCII(f.name) // of our names, JSON too
		if !t.oneIn(3, "escaped") {
			raw, _ := json.Marshal(f.name)
			name = string(raw)
		}
		out = append(out, space()+name+space()+":"+t.instance(f.shape, pointer, kept))
	}
	return out
}

// show gives data without white space around values; what remains entirely by
// kept is shown byte for byte. With drop, nothing else is shown: that is the
// oracle of Apply, which it shares nothing with.
func show(data []byte, at string, kept []string, drop bool) string {
	data = bytes.TrimSpace(data)
	if under(kept, at) || data[0] != '{' && data[0] != '[' {
		return string(data)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	open, _ := d.Token()
	var parts []string
	for d.More() {
		inner, name := at, ""
		if open == json.Delim('{') {
			word, _ := d.Token()
			name, _ = word.(string)
			inner += "/" + token(name)
			quoted, _ := json.Marshal(name)
			name = string(quoted) + ":"
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return "error: " + err.Error()
		}
		if !drop || inner == at || under(kept, inner) || over(inner, kept) {
			parts = append(parts, name+show(raw, inner, kept, drop))
		}
	}
	return string(data[0]) + strings.Join(parts, ",") + string(data[len(data)-1])
}
