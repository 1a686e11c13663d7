package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// chaosSeed gives the seed of a run that chance has a part in, and prints it.
// AMTSBOTE_SEED replays its plan and its moments; what the machine's scheduler
// adds cannot be replayed.
func chaosSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("AMTSBOTE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("AMTSBOTE_SEED: %v", err)
		}
	}
	t.Logf("replay with AMTSBOTE_SEED=%d", seed)
	return seed
}

// long tells whether the long form of the chaos tests is asked for
// (AMTSBOTE_CHAOS=long).
func long() bool { return os.Getenv("AMTSBOTE_CHAOS") == "long" }

// TestKill publishes 20 000 events while the process is killed with SIGKILL
// twenty times at random. At the end every acknowledged event has exactly one
// outcome, every routed one exactly one copy per receiver, and the order per
// key is intact.
func TestKill(t *testing.T) {
	t.Parallel()
	raced.Less(t, "fewer events and kills")
	testKill(t, killEvents, killTimes, 2*time.Second)
}

// TestKillOften kills at many points with little between them, many of them
// while the hub recovers from the kill before: 200 in the long form.
func TestKillOften(t *testing.T) {
	t.Parallel()
	notRaced(t)
	times := killTimes
	if long() {
		times = 200
	}
	testKill(t, 50*times, times, 300*time.Millisecond)
}

// TestKillRemoving kills while the hub removes what has had its time, receivers
// take, a sink fails and copies expire; at the end the books must close, and
// nothing is left. 100 kills in the long form.
func TestKillRemoving(t *testing.T) {
	t.Parallel()
	raced.Less(t, "fewer events and kills")
	seed := chaosSeed(t)
	events, times := killEvents/4, killTimes/2
	if long() {
		events, times = 50_000, 100
	}
	s := &soak{t: t, h: newLoadedHost(t, seed), books: newBooks(t), began: time.Now()}
	s.h.start()
	s.load = newLoad(t, s.h, seed, events, 64)
	s.load.within(patience + time.Duration(times)*2*time.Second)
	s.receivers(seed)
	struck := make(chan struct{})
	go func() {
		defer close(struck)
		s.h.strike(rand.New(rand.NewPCG(seed, 1)), times, s.load.publisher, s.h.kill)
	}()
	s.load.publishAll()
	<-struck
	s.finish()
	t.Logf("%d kills; %d acknowledged, %v; %d expired; %d records of removal", times, s.load.count(), s.books.outcomes, s.books.expired, s.books.removals)
}

func testKill(t *testing.T, events, times int, timeout time.Duration) {
	t.Helper()
	seed := chaosSeed(t)
	h := newHost(t, buildHub(t), "")
	h.start()
	pub := newPublisher(t, h, seed, events, 64)
	pub.timeout = timeout
	pub.within(patience + time.Duration(times)*2*time.Second)
	struck := make(chan struct{})
	go func() {
		defer close(struck)
		h.strike(rand.New(rand.NewPCG(seed, 1)), times, pub, h.kill)
	}()
	pub.publishAll()
	<-struck
	h.waitSettled()
	checkOutcomes(t, h, pub)
	t.Logf("%d kills", times)
}
