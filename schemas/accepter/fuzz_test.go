package accepter

import (
	"math/rand/v2"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// FuzzAccepts looks for a schema and a text that are accepted and that the gate
// or jsonschema v5 refuses.
func FuzzAccepts(f *testing.F) {
	g := &maker{rand.New(rand.NewPCG(1, 2))}
	for range 50 {
		schema, _ := jsonOf(g.schema(3))
		f.Add(schema, g.instance(tree(schema)))
	}
	for _, s := range strictness {
		f.Add([]byte("true"), []byte(s.raw))
	}
	f.Fuzz(func(t *testing.T, schema, raw []byte) {
		if len(schema) > 4000 || len(raw) > 10_000 || gate(schema) != nil {
			return
		}
		a := Compile(tree(schema))
		if !a.Accepts(raw) {
			return
		}
		if o, err := newOracle(schema, jsonschema.Draft2020); err == nil {
			hold(t, schema, a, o, raw)
		}
	})
}
