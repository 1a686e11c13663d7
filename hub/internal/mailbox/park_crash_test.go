package mailbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// TestParkingSurvivesACrashAnywhere ends the mailbox at random steps of parking,
// releasing and returning, and starts it again: every copy ends once, the
// copies of the key come in order. A mailbox that did not come to its step is
// ended with outcomes on their way to the trail; the next one fences them off.
func TestParkingSurvivesACrashAnywhere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("AMTSBOTE_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("replay with AMTSBOTE_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	b := hubtest.Bus(t)
	var down atomic.Bool
	down.Store(true)
	sink := failing(&down)
	last := 30
	_, outcomes, stop := startMailbox(t, b, sink, impatient)
	fillBehindAFailure(t, b, sink, last, func(n int) bool { return n%3 == 0 })
	collect(t, outcomes, decision.Parked, 10)
	stop()
	points := map[string]int{}
	for range raced.Rounds(t, 40) {
		down.Store(r.IntN(3) == 0)
		last = crashOnce(t, b, sink, r, points, last)
	}
	down.Store(false)
	m, _, stop := startMailbox(t, b, sink, impatient)
	defer stop()
	waitFor(t, "the release", func() bool {
		err := m.Release(t.Context(), bad)
		return err == nil || errors.Is(err, parked.ErrNotParked)
	})
	fill(t, b, last, last+2, func(n int) bool { return n == last })
	waitFor(t, "the last copies", func() bool {
		return m.Index.IsDone("beta.one", uint64(last+1)) && m.Index.IsDone("beta.one", uint64(last+2))
	})
	for n := range last {
		if !m.Index.IsDone("beta.one", uint64(n+1)) {
			t.Errorf("e%d has no end", n)
		}
	}
	if ns := numbers(t, sink); !slices.IsSorted(ns) {
		t.Errorf("the key's copies came as %v", ns)
	}
	waitFor(t, "the key to be free", func() bool { return len(lying(t, b, bus.Parked, "parked.>", event.HeaderOut)) == 0 })
	exactEnds(t, b)
	t.Logf("crashed at %v", points)
}

// crashOnce runs a mailbox while copies come, asks it for an act, and ends it at
// a random step.
func crashOnce(t *testing.T, b *bus.Bus, sink *receiver, r *rand.Rand, points map[string]int, last int) int {
	t.Helper()
	left, act := r.IntN(10), r.IntN(4)
	crashed := make(chan struct{})
	m, _, stop := startMailbox(t, b, sink, func(m *Mailbox, cancel context.CancelFunc) {
		m.Budget = settle.Budget{Attempts: 1}
		m.crash = func(point string) { // by one goroutine: that of the key
			if left--; left == -1 {
				points[point]++
				cancel()
				close(crashed)
			}
		}
	})
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	for range 4 { // a copy of the key that comes after others were done has it judged again
		fill(t, b, last, last+4, func(n int) bool { return n%4 == 3 })
		last += 4
	}
	err := parked.ErrStarting
	for errors.Is(err, parked.ErrStarting) && ctx.Err() == nil {
		switch act {
		case 0:
			err = m.Release(ctx, bad)
		case 1:
			_, err = m.Return(ctx, bad)
		default:
			err = nil
		}
	}
	select {
	case <-crashed:
	case <-ctx.Done(): // fewer steps than drawn
	}
	return last
}

// exactEnds: each returned copy lies in quarantine once, and none of them was
// delivered once it lay there.
func exactEnds(t *testing.T, b *bus.Bus) {
	t.Helper()
	resting := lying(t, b, bus.Quarantine, "quarantine.beta.one.returned.*", "Original-ce-id")
	if n := len(slices.Compact(slices.Sorted(slices.Values(resting)))); n != len(resting) {
		t.Errorf("of %d returned copies some lie twice in quarantine", len(resting))
	}
	ends := map[string]map[decision.Result]bool{}
	err := b.Read(t.Context(), bus.Trail, 1, []string{"trail.delivery.>"}, func(m *event.Message) error {
		d, err := trail.ReadDelivery(m)
		if err == nil && d.Result != decision.Parked {
			if ends[d.ID] == nil {
				ends[d.ID] = map[decision.Result]bool{}
			}
			ends[d.ID][d.Result] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, results := range ends {
		if len(results) != 1 || results[decision.Refused] != slices.Contains(resting, id) {
			t.Errorf("%s ended as %v; in quarantine: %v", id, results, slices.Contains(resting, id))
		}
	}
	t.Logf("%d returned", len(resting))
}
