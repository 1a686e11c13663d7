package flow

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

var crashKeys = []string{"k0", "k1", "k2"}

// TestParkingSurvivesACrashAnywhere ends the hub at random steps while keys are
// parked, released and returned and the type Ding comes and goes, and starts it
// again: every event has one end, and the copies of a key are in order.
func TestParkingSurvivesACrashAnywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 2))
	full, without := hubtest.Changed(t, hubtest.AddSache), hubtest.Changed(t, hubtest.AddSache, hubtest.RemoveDing)
	b := hubtest.Bus(t)
	points, n := map[string]int{}, 0
	for range raced.Rounds(t, 60) {
		var msgs []event.Message
		for range r.IntN(8) {
			n++
			msgs = append(msgs, event1(n, []string{hubtest.Ding, hubtest.Sache}[r.IntN(2)], crashKeys[r.IntN(3)]))
		}
		crashOnce(t, b, r, full, []*federation.Federation{full, without}[r.IntN(2)], msgs, points)
	}
	in, edge := both(t, b, full)
	in.patience, edge.patience = 20*time.Millisecond, 20*time.Millisecond
	stop := serve(t, in, edge)
	for _, key := range crashKeys {
		publish(t, b, event1(n+1, hubtest.Sache, key))
		n++
	}
	await(t, "all to be decided and released", func() bool {
		for _, key := range crashKeys {
			_ = in.Parking.Release(t.Context(), event.KeyToken(key))
		}
		h := survey(t, b)
		return h.outcome(uint64(n)) != "" && len(h.parked) == 0 && free(in.Parking)
	})
	stop()
	until(t, b, newLane(t, b, full)) // what was decided last is carried out
	h := survey(t, b)
	h.exact(t, uint64(n))
	outcomes := map[string]int{}
	for seq := range n {
		outcomes[h.outcome(uint64(seq+1))]++
	}
	t.Logf("%d events: %v; crashed at %v", n, outcomes, points)
}

func free(p *Parking) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys != nil && len(p.keys) == 0
}

// crashOnce runs the hub, with a directory to decide by and one to carry out
// by, and ends it at a random step.
func crashOnce(t *testing.T, b *bus.Bus, r *rand.Rand, decide, carry *federation.Federation, msgs []event.Message, points map[string]int) {
	t.Helper()
	left, act := r.IntN(40), r.IntN(8)
	key := event.KeyToken(crashKeys[r.IntN(3)])
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	in, edge := both(t, b, decide)
	for _, l := range []*Lane{in, edge} {
		version := &Version{decide, send.New(carry.Schemas)}
		l.Current, l.patience = func() *Version { return version }, 20*time.Millisecond
	}
	var mu sync.Mutex
	reach := func(what string) func(string) {
		return func(point string) {
			mu.Lock()
			defer mu.Unlock()
			if left--; left == -1 {
				points[what+point]++
				cancel()
			}
		}
	}
	in.crash, edge.crash, in.Parking.crash = reach("in "), reach("edge "), reach("parking ")
	var wg sync.WaitGroup
	wg.Go(func() { _ = in.Run(ctx) })
	wg.Go(func() { _ = edge.Run(ctx) })
	wg.Go(func() { _ = in.Parking.Run(ctx) })
	publish(t, b, msgs...)
	for err := parked.ErrStarting; errors.Is(err, parked.ErrStarting) && ctx.Err() == nil; {
		switch act {
		case 0, 1, 2, 3:
			err = in.Parking.Release(ctx, key)
		case 4:
			_, err = in.Parking.Return(ctx, key)
		default:
			err = nil
		}
	}
	<-ctx.Done()
	wg.Wait()
}

func event1(n int, typ, key string) event.Message {
	return hubtest.Event(fmt.Sprintf("e%d", n), typ, key, fmt.Sprintf(`{"n":%d}`, n))
}
