package keep

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestWorthwhile: old cursors go when they are half of what a stream holds, or that is
// half full.
func TestWorthwhile(t *testing.T) {
	for _, c := range []struct {
		cursors map[string]uint64
		is      bus.State
		want    bool
	}{
		{map[string]uint64{"a": 1, "b": 1}, bus.State{Messages: 2, Limit: 100}, false},
		{map[string]uint64{"a": 2}, bus.State{Messages: 2, Limit: 100}, true},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 19, Limit: 100}, false},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 18, Limit: 100}, true},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 9000, Bytes: 51, Limit: 100}, true},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 9000, Bytes: 51}, false},
		{map[string]uint64{"a": 0}, bus.State{Messages: 1}, false},
	} {
		if got := worthwhile(c.cursors, c.is); got != c.want {
			t.Errorf("%v in %+v: %v", c.cursors, c.is, got)
		}
	}
}

// TestOldCursors: of many cursors among copies the last one stays, and every copy.
func TestOldCursors(t *testing.T) {
	b := hubtest.Bus(t)
	const cursors, copies = 2*cursorStep + 500, 50
	for range copies {
		batch := []event.Message{{Subject: "out.beta.one.t"}}
		for range cursors / copies {
			batch = append(batch, event.Message{Subject: "out.cursor.IN_alpha", Data: []byte("{}")})
		}
		if _, err := b.AppendUnguarded(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	last, err := b.LastSeq(t.Context(), bus.Out)
	if err != nil {
		t.Fatal(err)
	}
	k := &Keeper{Bus: b}
	if err := k.oldCursors(t.Context(), bus.Out, "out.cursor.IN_alpha", cursors); err != nil {
		t.Fatal(err)
	}
	left, err := b.Subjects(t.Context(), bus.Out, ">")
	if err != nil || left["out.cursor.IN_alpha"] != 1 || left["out.beta.one.t"] != copies {
		t.Errorf("there are %v, %v", left, err)
	}
	if m, err := b.Last(t.Context(), bus.Out, "out.cursor.IN_alpha"); err != nil || m == nil || m.Seq != last {
		t.Errorf("the cursor that stays is %+v, %v", m, err)
	}
}
