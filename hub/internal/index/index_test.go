package index

import (
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func decided(id, digest string, outcome hub.Outcome, at time.Time) *decision.Decision {
	return &decision.Decision{In: "IN_x", ID: id, Source: "s", Digest: digest, Outcome: outcome, Decided: at}
}

// inBoth tests the index in memory alone, and on disk with each change written at
// once.
func inBoth(t *testing.T, test func(*testing.T, *Index)) {
	t.Run("memory", func(t *testing.T) { test(t, New()) })
	t.Run("disk", func(t *testing.T) {
		x, err := Open(t.TempDir(), Options{Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		test(t, x)
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestConflictDoesNotReplaceTheEvent(t *testing.T) { inBoth(t, conflictDoesNotReplaceTheEvent) }

func conflictDoesNotReplaceTheEvent(t *testing.T, x *Index) {
	x.Decided(1, decided("1", "a", hub.Routed, day0))
	conflict := decided("1", "b", hub.Quarantined, day0)
	conflict.Code = refusal.Conflict
	x.Decided(2, conflict)
	s, ok := x.Lookup(event.IdentityOf("s", "1"))
	if !ok || s.Digest != "a" || s.Outcome != hub.Routed || s.Conflict != "b" {
		t.Errorf("after a conflict the index knows %+v", s)
	}
}

func TestHorizon(t *testing.T) { inBoth(t, horizon) }

func horizon(t *testing.T, x *Index) {
	x.Decided(1, decided("old", "a", hub.Routed, day0))
	x.Decided(2, decided("renewed", "a", hub.Quarantined, day0))
	x.Decided(3, decided("renewed", "b", hub.Routed, day0.Add(Horizon)))
	x.Decided(4, decided("new", "a", hub.Routed, day0.Add(Horizon+time.Second)))
	for id, want := range map[string]bool{"old": false, "renewed": true, "new": true} {
		if _, ok := x.Lookup(event.IdentityOf("s", id)); ok != want {
			t.Errorf("after the horizon %q known = %v, want %v", id, ok, want)
		}
	}
}

func TestDoneCopies(t *testing.T) { inBoth(t, doneCopies) }

func doneCopies(t *testing.T, x *Index) {
	for i, out := range []uint64{5, 9, 7} {
		x.Delivered(&decision.Delivery{Mailbox: "a.b", Out: out, Result: decision.Done}, uint64(i+1))
	}
	x.Floor("a.b", 7)
	for out, want := range map[uint64]bool{5: true, 6: true, 7: true, 8: false, 9: true, 10: false} {
		if got := x.IsDone("a.b", out); got != want {
			t.Errorf("IsDone(%d) = %v, want %v", out, got, want)
		}
	}
	if n := x.done["a.b"].above.count(); n != 1 {
		t.Errorf("%d copies are remembered one by one, want 1", n)
	}
	x.Delivered(&decision.Delivery{Mailbox: "a.b", Out: 3, Result: decision.Parked}, 4)
	if x.IsDone("a.b", 3) {
		t.Error("a parked copy counts as done, though its mailbox has let it go")
	}
	x.Delivered(&decision.Delivery{Mailbox: "a.b", Out: 3, Result: decision.Done}, 5)
	if !x.IsDone("a.b", 3) {
		t.Error("a released copy that was delivered does not count as done")
	}
	if x.IsDone("c.d", 5) {
		t.Error("another mailbox's copy counts as done")
	}
	if x.Applied() != 5 {
		t.Errorf("Applied = %d, want 5", x.Applied())
	}
}
