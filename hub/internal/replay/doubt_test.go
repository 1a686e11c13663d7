package replay

import (
	"context"
	"errors"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// unheard stores an act whose answer is lost: the trail has it, and no engine knows.
func (w *world) unheard(act, id string, by By) *decision.Act {
	w.t.Helper()
	a := &decision.Act{
		Act: act, Application: "beta.one", Key: id, Who: by.Who, Reason: "ohne Antwort", At: w.now().UTC(),
		Replay: &decision.Replay{Scope: decision.ReplayScope{Application: "beta.one"}, Person: by.Person},
	}
	m, err := trail.Act(a)
	if err == nil {
		_, err = w.bus.Append(w.t.Context(), []event.Message{m}, 0)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// TestReplayActUnheard: an act is stored and its answer is lost. Who acts next acts on
// what the trail says, and a restart changes nothing about it.
func TestReplayActUnheard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(3)...)
	e, stop := w.engine(nil)
	begun := w.ask(e, decision.ReplayScope{})
	carla := By{Who: "carla", Person: "3"}

	w.unheard(decision.ActReplayApprove, begun, berta)
	if err := e.Reject(t.Context(), begun, carla, "doch nicht"); !errors.Is(err, ErrState) {
		t.Errorf("rejected though it was approved: %v", err)
	}
	w.becomes(e, begun, Done)

	third := w.ask(e, decision.ReplayScope{})
	w.unheard(decision.ActReplayCancel, third, anna)
	if err := e.Approve(t.Context(), third, berta); !errors.Is(err, ErrState) {
		t.Errorf("approved though it was cancelled: %v", err)
	}
	w.becomes(e, third, Cancelled)

	before := len(w.replayed())
	fourth := w.ask(e, decision.ReplayScope{})
	w.unheard(decision.ActReplayApprove, fourth, berta)
	stop()
	w.unheard(decision.ActReplayReject, fourth, carla) // by a process that did not know
	e, _ = w.engine(nil)
	w.becomes(e, fourth, Cancelled)
	if got := len(w.replayed()); got != before {
		t.Errorf("%d copies of what was rejected", got-before)
	}
}

// TestReplayCancelUnheard: a replay underway ends when its cancelling is found.
func TestReplayCancelUnheard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(3)...)
	held, gate := make(chan struct{}), make(chan struct{})
	first := true
	e, _ := w.engine(func(at string, _ func()) {
		if at == "stored" && first {
			first = false
			close(held)
			<-gate
		}
	})
	id, err := e.Request(t.Context(), anna, Wish{Scope: decision.ReplayScope{Application: "beta.one"}, Rate: 1, Reason: "Verlust"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	<-held
	e.doubt(w.unheard(decision.ActReplayCancel, id, anna)) // nobody tries it again
	w.becomes(e, id, Cancelling)
	close(gate)
	if r := w.becomes(e, id, Cancelled); r.Counts[decision.ReplayGoes] != 1 {
		t.Errorf("%v went", r.Counts)
	}
}

// TestReplayActOutlivesItsRequest: who goes away while an act is stored does not leave
// it unknown.
func TestReplayActOutlivesItsRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(1)...)
	e, _ := w.engine(nil)
	gone, cancel := context.WithCancel(t.Context())
	id := w.ask(e, decision.ReplayScope{})
	a := &decision.Act{Act: decision.ActReplayApprove, Application: "beta.one", Key: id, Who: berta.Who, At: w.now(), Replay: &decision.Replay{}}
	cancel()
	if err := e.once(gone, a); err != nil {
		t.Fatal(err)
	}
	w.becomes(e, id, Done)
}
