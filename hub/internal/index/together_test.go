package index

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// TestTogether: many tell and ask at the same time.
func TestTogether(t *testing.T) {
	x := open(t, t.TempDir(), small)
	const each, writers = 2000, 4
	var wg sync.WaitGroup
	for k := range writers {
		wg.Go(func() {
			for i := range each {
				seq := i*writers + k + 1
				x.Decided(uint64(seq), numbered(seq, 10_000))
				if !knows(x, seq) {
					t.Errorf("%d is not known right after it was decided", seq)
				}
				x.Delivered(&decision.Delivery{Mailbox: "a.b", Out: uint64(seq), Result: decision.Done}, uint64(each*writers+seq))
				if !x.IsDone("a.b", uint64(seq)) {
					t.Errorf("%d is not done right after it was", seq)
				}
				if old := rand.IntN(i+1)*writers + k + 1; !knows(x, old) {
					t.Errorf("%d is forgotten", old)
				}
				x.Floor("a.b", uint64(i))
			}
		})
	}
	wg.Wait()
	if x.Applied() != 2*each*writers {
		t.Errorf("applied %d", x.Applied())
	}
	closed(t, x)
}
