package replay

import (
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// forgets takes the cursor of replays to beta.one out of OUT, as damage does.
func (w *world) forgets() {
	w.t.Helper()
	m, err := w.bus.Last(w.t.Context(), bus.Out, decision.CursorSubject("out", decision.CursorReplay("beta.one")))
	if err == nil && m != nil {
		err = w.bus.Delete(w.t.Context(), bus.Out, m.Seq)
	}
	if err != nil || m == nil {
		w.t.Fatalf("the cursor in OUT: %v, %v", m, err)
	}
}

// TestReplayCursorLost: without its cursor in OUT a replay brings nothing again: not of
// one that has ended, nor what lies there, nor what was taken over.
func TestReplayCursorLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(6)...)
	e, stop := w.engine(nil)
	ended := w.ask(e, decision.ReplayScope{})
	if err := e.Approve(t.Context(), ended, berta); err != nil {
		t.Fatal(err)
	}
	w.becomes(e, ended, Done)
	stop()
	if err := w.bus.Delete(t.Context(), bus.Out, w.replayed()[0].Seq); err != nil { // nothing tells of it but the end
		t.Fatal(err)
	}
	w.forgets()
	crashed := make(chan struct{})
	stored := 0
	e, stop = w.engine(func(at string, end func()) {
		if at != "stored" {
			return
		}
		if stored++; stored == 2 {
			end()
			close(crashed)
		}
	})
	id := w.askAt(e, 4, decision.ReplayScope{}) // one a batch
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	<-crashed
	stop()
	if got := len(w.replayed()); got != 5+2 {
		t.Fatalf("%d copies", got)
	}
	w.taken(id)
	w.forgets()
	e, _ = w.engine(nil)
	r := w.becomes(e, id, Done)
	if got := len(w.replayed()); got != 5+6-1 || r.Counts[decision.ReplayGoes] != 6 {
		t.Errorf("%d copies beside the one that was taken over, %v counted", got, r.Counts)
	}
}

// TestReplayPortions: what is owed goes in portions, and a crash between two of them
// loses nothing and doubles nothing.
func TestReplayPortions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(6)...)
	crashed := make(chan struct{})
	e, stop := w.engine(func(at string, end func()) {
		if at == "decided" {
			end()
			close(crashed)
		}
	})
	id := w.ask(e, decision.ReplayScope{})
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	<-crashed
	stop()
	w.boxes = &quota.Book{Bus: w.bus, Total: 1 << 30, Limit: func(string) int64 { return 8 }, Log: zap.NewNop()} // one a portion
	if err := w.boxes.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 4; n++ {
		between := make(chan struct{})
		_, stop = w.engine(func(at string, end func()) {
			if at == "portion" {
				end()
				close(between)
			}
		})
		<-between
		stop()
		if got := len(w.replayed()); got != n {
			t.Fatalf("%d copies after %d portions", got, n)
		}
	}
	e, _ = w.engine(nil)
	w.becomes(e, id, Done)
	w.exactly(id, 6)
}
