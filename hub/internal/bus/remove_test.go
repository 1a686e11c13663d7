package bus

import (
	"fmt"
	"testing"
)

// TestDeleteGone: what is gone already, by whatever way, is no error, and what is
// there goes.
func TestDeleteGone(t *testing.T) {
	b, _ := start(t)
	if _, err := b.Append(t.Context(), msgs("out.lhm.kfz.t", 6), 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Purge(t.Context(), Out, "out.lhm.kfz.t", 2); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		seq  uint64
	}{{"purged", 1}, {"there", 4}, {"deleted", 4}, {"the last", 6}, {"the last, deleted", 6}, {"never stored", 99}} {
		t.Run(fmt.Sprintf("%s %d", c.what, c.seq), func(t *testing.T) {
			if err := b.Delete(t.Context(), Out, c.seq); err != nil {
				t.Fatal(err)
			}
			if m, err := b.Get(t.Context(), Out, c.seq); err == nil && m != nil {
				t.Fatalf("message %d is still there", c.seq)
			}
		})
	}
}
