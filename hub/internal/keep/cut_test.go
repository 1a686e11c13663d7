package keep

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestCut: wherever the end of what is old enough lies, also between removed messages,
// it is found; with few looks when it is near the first or the last one.
func TestCut(t *testing.T) {
	b := hubtest.Bus(t)
	in, at := inAlpha, map[uint64]time.Time{}
	const n = 200
	for i := range n {
		seq, err := b.Publish(t.Context(), event.Message{Subject: fmt.Sprintf("in.alpha.app.t%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.At(t.Context(), in, seq, ">")
		if err != nil {
			t.Fatal(err)
		}
		at[seq] = m.Time
	}
	for _, gone := range []uint64{2, 3, 100, 101, 102, n} {
		if err := b.Delete(t.Context(), in, gone); err != nil {
			t.Fatal(err)
		}
		delete(at, gone)
	}
	first, err := b.At(t.Context(), in, 1, ">")
	if err != nil {
		t.Fatal(err)
	}
	for _, floor := range []uint64{1, 2, 99, 103, n - 1, n} {
		for limit := range uint64(n + 1) {
			want, last := uint64(0), at[limit]
			for seq := uint64(1); seq <= floor; seq++ {
				if stored, ok := at[seq]; ok && !last.IsZero() && !stored.After(last) {
					want = seq
				}
			}
			c := &cutter{
				keeper: &Keeper{Bus: b, Now: func() time.Time { return last }, Log: zap.NewNop()}, in: in, first: first, floor: floor,
				known: map[time.Duration]uint64{},
			}
			if got, err := c.cut(t.Context(), 0); err != nil || got != want {
				t.Fatalf("floor %d, old until %d: %d, %v; want %d", floor, limit, got, err, want)
			}
		}
	}
}

// TestCutByAWrongClock: an event that was stored while the clock stood far back lets
// nothing go that was stored before it and is young.
func TestCutByAWrongClock(t *testing.T) {
	const n, old = 1000, 11
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	stored := func(seq uint64) time.Time {
		switch {
		case seq == n:
			return time.Unix(0, 0)
		case seq <= old:
			return now.Add(-48 * time.Hour)
		}
		return now.Add(-time.Hour)
	}
	at := func(_ context.Context, seq uint64) (*event.Message, error) {
		return &event.Message{Seq: seq, Time: stored(seq)}, nil
	}
	first, _ := at(t.Context(), 1)
	c := &cutter{keeper: &Keeper{Now: func() time.Time { return now }}, first: first, floor: n, known: map[time.Duration]uint64{}, at: at}
	if got, err := c.cut(t.Context(), 24*time.Hour); err != nil || got != old {
		t.Errorf("cut behind %d, %v; want %d", got, err, old)
	}
}
