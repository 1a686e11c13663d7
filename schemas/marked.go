package schemas

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Accepts tells that raw is strict JSON within the gate's limits, and valid: then
// Validate would find nothing. False tells nothing (package accepter).
func (s *Schema) Accepts(raw []byte) bool {
	return len(raw) <= s.short && s.accepter.Accepts(raw)
}

// Marked decodes of raw, which has passed the gate, what Blocked, Conditions and
// Adresse look at: they say the same of it as of all of raw decoded. Numbers are
// json.Number.
func (s *Schema) Marked(raw []byte) any {
	if len(s.marked) == 0 {
		return nil
	}
	r := reader{raw}
	v, _ := r.pruned(0, s.marked)
	return v
}

// kept are the members to keep, each with those beneath it; one without any is
// kept whole.
type kept map[string]kept

func (s *Schema) keepMarked() {
	s.marked = kept{}
	for _, b := range s.Sperren {
		s.marked.add(b.Pointer)
	}
	for _, pointer := range s.Bedingungen {
		s.marked.add(pointer)
	}
	for _, a := range s.Adressen {
		s.marked.add(a.Pointer)
	}
}

func (s *Schema) keepSearchable() {
	s.suchbar = kept{}
	for _, one := range s.Suchbar {
		s.suchbar.add(one.Pointer)
	}
}

// whole stands in a kept for a member that is kept whole.
var whole = kept{}

func (k kept) add(pointer string) {
	tokens := strings.Split(pointer, "/")[1:]
	for i, t := range tokens {
		name := untoken(t)
		below, known := k[name]
		switch {
		case known && len(below) == 0:
			return
		case i == len(tokens)-1:
			k[name] = whole
			return
		case !known:
			below = kept{}
			k[name] = below
		}
		k = below
	}
}

// reader finds its way in valid JSON. Its methods take the place of a value or
// of the white space before it, and give the place behind it.
type reader struct{ raw []byte }

// pruned decodes a value but for the members that are not kept. What has no
// members, where some are kept, counts for nothing and is null.
func (r reader) pruned(at int, keep kept) (v any, end int) {
	at = r.space(at)
	switch r.raw[at] {
	case '{':
		return r.members(at, keep)
	case '[':
		return r.items(at, keep)
	}
	end = r.skip(at)
	if len(keep) > 0 {
		return nil, end
	}
	switch r.raw[at] {
	case '"':
		return r.string(at, end), end
	case 't', 'f':
		return r.raw[at] == 't', end
	case 'n':
		return nil, end
	}
	return json.Number(r.raw[at:end]), end
}

func (r reader) members(at int, keep kept) (any, int) {
	out := map[string]any{}
	for at = r.space(at + 1); r.raw[at] != '}'; at = r.comma(at) {
		from, end := at, r.skip(at)
		at = r.space(end) + 1 // behind the colon
		below, wanted := r.find(from, end, keep)
		if !wanted {
			at = r.skip(at)
			continue
		}
		name := r.string(from, end)
		out[name], at = r.pruned(at, below)
	}
	return out, at + 1
}

// find looks up the name at a place.
func (r reader) find(from, end int, keep kept) (below kept, wanted bool) {
	if len(keep) == 0 {
		return whole, true
	}
	if name := r.raw[from+1 : end-1]; bytes.IndexByte(name, '\\') < 0 {
		below, wanted = keep[string(name)]
		return below, wanted
	}
	below, wanted = keep[r.string(from, end)]
	return below, wanted
}

// string decodes the text at a place.
func (r reader) string(from, end int) (s string) {
	if bytes.IndexByte(r.raw[from:end], '\\') < 0 {
		return string(r.raw[from+1 : end-1])
	}
	_ = json.Unmarshal(r.raw[from:end], &s) // past the gate
	return s
}

func (r reader) items(at int, keep kept) (any, int) {
	out := []any{}
	for at = r.space(at + 1); r.raw[at] != ']'; at = r.comma(at) {
		var v any
		v, at = r.pruned(at, keep)
		out = append(out, v)
	}
	return out, at + 1
}

func (r reader) space(at int) int {
	for at < len(r.raw) && r.raw[at] <= ' ' {
		at++
	}
	return at
}

// comma gives the place of what comes next: an item, or the end of the list.
func (r reader) comma(at int) int {
	at = r.space(at)
	if r.raw[at] == ',' {
		at = r.space(at + 1)
	}
	return at
}

// skip gives the end of a value.
func (r reader) skip(at int) int {
	depth := 0
	for at = r.space(at); at < len(r.raw); {
		switch r.raw[at] {
		case '"':
			at = r.text(at)
		case '{', '[':
			depth++
			at++
			continue
		case '}', ']':
			depth--
			at++
		case ',', ':', ' ', '\t', '\n', '\r':
			at++
			continue
		default:
			at = r.word(at)
		}
		if depth == 0 {
			return at
		}
	}
	return at
}

// word gives the end of a number or literal.
func (r reader) word(at int) int {
	for at < len(r.raw) && r.raw[at] > ' ' && r.raw[at] != ',' && r.raw[at] != ']' && r.raw[at] != '}' {
		at++
	}
	return at
}

// text gives the end of a text.
func (r reader) text(at int) int {
	for at++; at < len(r.raw) && r.raw[at] != '"'; at++ {
		if r.raw[at] == '\\' {
			at++
		}
	}
	return at + 1
}
