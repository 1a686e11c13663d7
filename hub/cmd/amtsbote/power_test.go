package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const powerEvents = 1000

// TestPowerFailure cuts the power of the disk that the hub stores on: what was
// not synced is gone, in half of the cuts torn. Acknowledged events keep
// exactly one outcome, each copy stands once, in order per key. 20 seeds in the
// long form.
func TestPowerFailure(t *testing.T) {
	t.Parallel()
	notRaced(t)
	lazyfs, hub := buildDisk(t), buildHub(t)
	base := chaosSeed(t)
	for i := range powerSeeds() {
		seed := base + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			d := mount(t, lazyfs)
			h := newHost(t, hub, filepath.Join(d.dir, "data"))
			pub := powerRun(t, d, h, seed, 4, func(*publisher) {})
			h.waitSettled()
			checkOutcomes(t, h, pub)
		})
	}
}

// powerSeeds: AMTSBOTE_SEED replays one.
func powerSeeds() int {
	switch {
	case os.Getenv("AMTSBOTE_SEED") != "":
		return 1
	case long():
		return 20
	}
	return 3
}

// powerRun publishes all while the power fails; after hears of each failure.
func powerRun(t *testing.T, d *disk, h *host, seed uint64, times int, after func(*publisher)) *publisher {
	t.Helper()
	h.start()
	pub := newPublisher(t, h, seed, powerEvents, 32)
	pub.timeout = 500 * time.Millisecond
	struck := make(chan struct{})
	go func() {
		defer close(struck)
		r := rand.New(rand.NewPCG(seed, 1))
		h.strike(r, times, pub, func() {
			h.kill() // nothing is acknowledged from here on
			d.fail(r.IntN(2) == 0)
			after(pub)
		})
	}()
	pub.publishAll()
	<-struck
	return pub
}

// TestPowerFailureUnsynced is the counter-test: the same failures, over a hub
// that is built without synced writes, must lose acknowledged events. If they
// did not, TestPowerFailure would prove nothing.
func TestPowerFailureUnsynced(t *testing.T) {
	t.Parallel()
	notRaced(t)
	d := mount(t, buildDisk(t))
	h := newHost(t, buildHub(t, "-tags", "amtsbote_unsynced"), filepath.Join(d.dir, "data"))
	// one failure shows it: what comes after would be sent to a damaged hub
	pub := powerRun(t, d, h, chaosSeed(t), 1, func(pub *publisher) { pub.stop() })
	left := map[string]bool{}
	if h.comesUp() {
		_, js := h.connect()
		readAll(t, js, "IN_alpha", func(m jetstream.Msg, _ uint64) { left[m.Headers().Get("ce-id")] = true })
	}
	lost := 0
	for id := range pub.ids {
		if !left[id] {
			lost++
		}
	}
	t.Logf("%d of %d acknowledged events are lost without sync", lost, len(pub.ids))
	if lost == 0 {
		t.Error("nothing was lost without sync: the failure of the disk does not reach the hub")
	}
}
