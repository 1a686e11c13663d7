package replay

import (
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// TestReplayCrash: a process that ends at any point, with its decisions in the trail or
// not, loses no copy and doubles none.
func TestReplayCrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 6
	w.flows(dings(n)...)
	w.boxes = nil
	e, stop := w.engine(nil)
	var want int
	for _, point := range []string{"deciding", "decided", "stored", "ended"} {
		for nth := range int64(2) {
			nth++
			id := w.askAt(e, 4, decision.ReplayScope{Case: "k1"}) // one a batch, so that a crash lies between two
			stop()
			var seen atomic.Int64
			e, stop = w.engine(func(at string, end func()) {
				if at == point {
					if seen.Add(1) == nth {
						end()
					}
				}
			})
			if err := e.Approve(t.Context(), id, berta); err != nil {
				t.Fatal(err)
			}
			w.await("the crash or the end", func() bool {
				r, _ := e.Find(id)
				return r.State(w.now()) == Done || seen.Load() >= nth
			})
			stop()
			e, stop = w.engine(nil)
			r := w.becomes(e, id, Done)
			want += 2
			if got := len(w.replayed()); got != want || r.Counts[decision.ReplayGoes] != 2 || w.decided(id)[decision.ReplayGoes] != 2 {
				t.Fatalf("crash at %s, %d: %d copies instead of %d; counted %v, in the trail %v", point, nth, got, want, r.Counts, w.decided(id))
			}
		}
	}
}

// TestReplayZombie: a process that another one has relieved can store nothing more.
func TestReplayZombie(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(6)...)
	held, gate := make(chan struct{}), make(chan struct{})
	core, said := observer.New(zap.WarnLevel)
	w.log = zap.New(core)
	first := true
	old, _ := w.engine(func(at string, _ func()) {
		if at == "decided" && first { // in the trail, and not stored
			first = false
			close(held)
			<-gate
		}
	})
	w.log = zap.NewNop()
	id := w.ask(old, decision.ReplayScope{})
	if err := old.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	<-held
	e, _ := w.engine(nil)
	r := w.becomes(e, id, Done)
	close(gate)
	w.await("the old one to be refused", func() bool { return said.FilterMessageSnippet("held up").Len() > 0 })
	w.exactly(id, 6)
	if r.Counts[decision.ReplayGoes] != 6 {
		t.Errorf("counted %v", r.Counts)
	}
	w.becomes(old, id, Running) // it never learns of the end, and does no harm
	w.exactly(id, 6)
}
