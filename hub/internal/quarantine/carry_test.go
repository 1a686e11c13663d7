package quarantine

import (
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// TestSecondPerson: who marks an event that somebody else has just had the same done to is
// not told that it was done.
func TestSecondPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.invalid("eins")
	first := true
	w.clerk.crash = func(p string) error {
		if p == "judged" && first {
			first = false
			r := w.request(decision.ActQuarantineEdit, seq, "eins")
			r.Who = "jemand anders"
			_, err := w.clerk.Act(t.Context(), r)
			return err
		}
		return nil
	}
	r := w.request(decision.ActQuarantineEdit, seq, "eins")
	r.Edited = edited("eins", `{"n":8}`)
	if _, err := w.clerk.Act(t.Context(), r); !isWhy(err, Gone) {
		t.Error(err)
	}
	w.ended(r.Act, seq, "eins")
}

// TestOtherLanes: an act waits for the lane that has brought the event, and no other.
func TestOtherLanes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.invalid("eins")
	await(t, "the cursor", func() bool { return w.b.Settled(bus.Quarantine) >= seq })
	w.b.Loose(bus.Quarantine, "IN_gamma", 1)
	out, err := w.clerk.Act(t.Context(), w.request(decision.ActQuarantineDiscard, seq, "eins"))
	if err != nil || out != Done {
		t.Error("while another lane has something loose:", out, err)
	}
	seq = w.invalid("zwei")
	await(t, "the cursor", func() bool { return w.b.Covered(bus.Quarantine, bus.InStream("alpha"), seq) })
	w.b.Loose(bus.Quarantine, bus.InStream("alpha"), seq)
	mk := &mark{Act: decision.ActQuarantineDiscard, Seq: seq, Application: "alpha.app", Of: decision.Ref{In: bus.InStream("alpha"), Seq: 2}, Who: "test", At: time.Now()}
	w.clerk.opened(mk)
	if ended, err := w.clerk.carry(t.Context(), mk); ended || err != nil {
		t.Error("while its own has:", ended, err)
	}
	w.b.Loose(bus.Quarantine, bus.InStream("alpha"), seq+1)
	if ended, err := w.clerk.carry(t.Context(), mk); !ended || err != nil {
		t.Error("when it is covered:", ended, err)
	}
}
