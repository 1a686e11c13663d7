package flow

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if v := os.Getenv("AMTSBOTE_SEED"); v != "" {
		s, _ = strconv.ParseUint(v, 10, 64)
	}
	t.Logf("replay with AMTSBOTE_SEED=%d", s)
	return s
}

// mixed draws events of all kinds over a few keys.
func mixed(r *rand.Rand, n int) []event.Message {
	out := make([]event.Message, n)
	for i := range out {
		key := fmt.Sprintf("k%d", r.IntN(7))
		typ, id, data := hubtest.Ding, fmt.Sprintf("e%d", i), fmt.Sprintf(`{"n":%d,"text":"x"}`, i)
		switch r.IntN(10) {
		case 0:
			data = `{"n":true}`
		case 1:
			typ = hubtest.Niemand
		case 2:
			id = fmt.Sprintf("e%d", r.IntN(i+1)) // a conflict, or a correction
		}
		out[i] = hubtest.Event(id, typ, key, data)
	}
	return out
}

// TestCrashAtEveryStep ends the lane at random points before and after its
// writes, again and again, and starts a new one that knows only what is stored.
func TestCrashAtEveryStep(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	points := map[string]int{}
	for range 25 {
		publish(t, b, mixed(r, 40)...)
		l := newLane(t, b, fed)
		left := r.IntN(9)
		var stop context.CancelFunc
		reached := make(chan struct{})
		ready := make(chan struct{})
		l.crash = func(point string) {
			<-ready
			if left--; left == -1 {
				points[point]++
				close(reached)
				stop()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		stop = cancel
		close(ready)
		done := make(chan struct{})
		go func() { defer close(done); _ = l.Run(ctx) }()
		select {
		case <-reached:
		case <-time.After(300 * time.Millisecond): // fewer steps than drawn: it is idle now
		}
		cancel()
		<-done
	}
	until(t, b, newLane(t, b, fed))
	last, err := b.LastSeq(t.Context(), inAlpha)
	if err != nil {
		t.Fatal(err)
	}
	look(t, b).exact(t, last)
	t.Logf("%d events, crashed at %v", last, points)
	if len(points) < 3 {
		t.Errorf("crashed only at %v", points)
	}
}

// TestDecisionsAreNotTakenAnew: the lane dies after recording; meanwhile the
// agreements go, and the sender too. The copies that were decided are made all
// the same.
func TestDecisionsAreNotTakenAnew(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1,"text":"a"}`))
	l := newLane(t, b, fed)
	ctx, cancel := context.WithCancel(t.Context())
	writes := 0
	l.crash = func(point string) {
		if point == "after "+bus.Trail {
			if writes++; writes == 2 { // the first is the take-over's
				cancel()
			}
		}
	}
	_ = l.Run(ctx)
	cancel()
	if w := look(t, b); len(w.decisions) != 1 || len(w.copies) != 0 {
		t.Fatalf("the crash left %d decisions and %d copies, want 1 and 0", len(w.decisions), len(w.copies))
	}
	later := newLane(t, b, hubtest.WithoutAgreements(t))
	publish(t, b, hubtest.Event("2", hubtest.Ding, "k", `{"n":2}`))
	until(t, b, later)
	w := look(t, b)
	w.exact(t, 2)
	if len(w.copies) != 2 || w.decisions[2].Code != "APP_UNKNOWN" {
		t.Errorf("%d copies, and the later event is %s; want 2 copies of the first and the second refused", len(w.copies), w.decisions[2].Outcome)
	}
}

// TestTwoOwners lets two instances work the same in stream: the cursor decides,
// nothing is stored twice.
func TestTwoOwners(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 1))
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, mixed(r, 300)...)
	first, second := newLane(t, b, fed), newLane(t, b, fed)
	until(t, b, first, second)
	publish(t, b, mixed(r, 300)...)
	until(t, b, newLane(t, b, fed), newLane(t, b, fed))
	look(t, b).exact(t, 600)
}

// TestZombie: an owner that was cut off between its record and its copies comes
// back after another one has finished its work; its batch is refused.
func TestZombie(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1}`))
	zombie := newLane(t, b, fed)
	asleep, wake := make(chan struct{}), make(chan struct{})
	woken := false
	zombie.crash = func(point string) {
		if point == "before "+bus.Out && zombie.trail.at.Seq == 1 && !woken {
			woken = true
			close(asleep)
			<-wake
		}
	}
	_, stop := run(t, zombie)
	<-asleep
	until(t, b, newLane(t, b, fed))
	close(wake)
	publish(t, b, hubtest.Event("2", hubtest.Ding, "k", `{"n":2}`))
	until(t, b, newLane(t, b, fed))
	stop()
	look(t, b).exact(t, 2)
}
