package schemas

import (
	"sync"
	"testing"
)

// TestLetGoOf: once they are loaded no schema holds what jsonschema v5 has compiled, which
// takes megabytes; the first who need it get it, all at once too, with the same verdict.
func TestLetGoOf(t *testing.T) {
	r, errs := (&Registry{}).add(files, true)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, typ := range r.Types() {
		s, _ := r.Lookup(typ)
		if s.compiled.Load() != nil {
			t.Fatalf("%s is still compiled", typ)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if len(s.Validate("no object")) == 0 {
					t.Errorf("%s: a text is found valid", typ)
				}
			})
		}
		wg.Wait()
		if s.compiled.Load() == nil {
			t.Errorf("%s: it is compiled for each event anew", typ)
		}
	}
}
