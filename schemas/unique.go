package schemas

import (
	"encoding/binary"
	"encoding/json"
	"math/big"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// uniqueKeyword is what uniqueItems is called for the library. Its own check
// compares all items whose hash is the same, and forgets in the hash where an
// array ends: 40 000 differently nested empty arrays took it a minute.
const uniqueKeyword = "x-amtsbote-unique"

// unique is uniqueItems (JSON Schema 2020-12 validation, 6.4.3) in one pass: it
// writes each item down in a form that only equal values share.
type unique struct{}

var (
	_ jsonschema.ExtCompiler = unique{}
	_ jsonschema.ExtSchema   = unique{}
)

// Compile implements jsonschema.ExtCompiler.
func (unique) Compile(_ jsonschema.CompilerContext, m map[string]any) (jsonschema.ExtSchema, error) {
	if m[uniqueKeyword] == true {
		return unique{}, nil
	}
	return nil, nil
}

// Validate implements jsonschema.ExtSchema.
func (unique) Validate(ctx jsonschema.ValidationContext, v any) error {
	items, _ := v.([]any)
	seen := make(map[string]struct{}, len(items))
	var form []byte
	for _, item := range items {
		form = canonical(form[:0], item)
		if _, twice := seen[string(form)]; twice {
			return ctx.Error("uniqueItems", "two items are equal")
		}
		seen[string(form)] = struct{}{}
	}
	return nil
}

// canonical appends v in a form that tells all values apart: each text with its
// length, each list with its count, names sorted, numbers as reduced fractions.
func canonical(to []byte, v any) []byte {
	text := func(s string) {
		to = binary.AppendUvarint(to, uint64(len(s)))
		to = append(to, s...)
	}
	switch v := v.(type) {
	case nil:
		return append(to, 'n')
	case bool:
		if v {
			return append(to, 't')
		}
		return append(to, 'f')
	case string:
		to = append(to, 's')
		text(v)
	case json.Number:
		to = append(to, '0')
		r, _ := new(big.Rat).SetString(string(v))
		text(r.RatString())
	case []any:
		to = binary.AppendUvarint(append(to, '['), uint64(len(v)))
		for _, item := range v {
			to = canonical(to, item)
		}
	case map[string]any:
		to = binary.AppendUvarint(append(to, '{'), uint64(len(v)))
		for _, name := range sorted(v) {
			text(name)
			to = canonical(to, v[name])
		}
	}
	return to
}

// renamed gives schema v with uniqueItems under the library's other name.
func renamed(v any) any {
	node, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := copied(node)
	if u, ok := out["uniqueItems"]; ok {
		delete(out, "uniqueItems")
		out[uniqueKeyword] = u
	}
	for _, c := range children(out) {
		put(out, c, renamed(c.node))
	}
	return out
}
