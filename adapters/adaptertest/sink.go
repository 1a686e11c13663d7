package adaptertest

import (
	"cmp"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/hub"
)

// SinkCase says how a kind's sink is tested.
type SinkCase struct {
	// New makes an empty foreign system and ends it with t.Cleanup. Every check
	// has one of its own, some have several.
	New func(t testing.TB) Destination
	// Patience is how long a delivery may take; 10 s when it is 0.
	Patience time.Duration
	// Goroutines excuses goroutines of the foreign system.
	Goroutines []goleak.Option

	far bool // the sink runs as in its own process
}

// Destination is a foreign system that a sink hands events to.
type Destination struct {
	// Sink makes a sink for the foreign system as it stands: anew for each start
	// of the hub.
	Sink func() (hub.Sink, error)
	// Event gives the nth event that the sink can map, n from 0. Events of
	// different n differ in id and have different keys.
	Event func(n int) hub.Event
	// Unmappable are events that the sink can never hand over: at least one.
	Unmappable []hub.Event
	// Blobs are what the events' data refers to, by reference.
	Blobs map[string][]byte
	// Effects gives every effect that deliveries had on the foreign system, one
	// string each, such that two effects of different events differ.
	Effects func() ([]string, error)
	// Down makes the foreign system unreachable until up is called; nil where
	// that cannot be played.
	Down func() (up func() error, err error)
}

// sinkCheck tries to catch a sink breaking one sentence of the contract.
type sinkCheck struct {
	name, contract string
	run            func(testing.TB, SinkCase) error
	far            bool // also by HTTP; the others ask when it ends
}

// Sink runs the suite against a sink; each check is a subtest. It panics in a
// parallel test.
func Sink(t *testing.T, c SinkCase) {
	t.Helper()
	alone(t)
	for _, check := range sinkChecks() {
		t.Run(check.name, func(t *testing.T) {
			report(t, check.contract, check.run(t, c))
		})
	}
	c.far = true
	for _, check := range sinkChecks() {
		if check.far {
			t.Run("in its own process: "+check.name, func(t *testing.T) {
				report(t, check.contract, check.run(t, c))
			})
		}
	}
}

func sinkChecks() []sinkCheck {
	const (
		once = "the same Delivery.ID may come again (Attempt > 1, or after a crash with Attempt 1), " +
			"and a second call must have no second effect."
		durably = "Deliver hands one event over and returns nil only when the foreign system has it durably."
	)
	return []sinkCheck{
		{"a delivery has arrived when Deliver returns", durably, checkArrival, true},
		{"a further attempt has no second effect", once, checkSecondAttempt, true},
		{"a repetition after a crash has no second effect", once, checkCrash, true},
		{"different deliveries all arrive", durably, checkDifferent, true},
		{
			"deliveries of different keys come concurrently",
			"Deliver is called from one goroutine per key; events of different keys may come concurrently.",
			checkConcurrent, true,
		},
		{
			"an event that cannot be mapped is a Permanent Fault",
			"A Permanent Fault sends the copy to quarantine",
			checkUnmappable, true,
		},
		{
			"a fault tells nothing of the payload",
			"Err says what was being done; it holds no payload and no personal data.",
			checkDiscretion, true,
		},
		{
			"an unreachable system is worth another try",
			"any other error makes the hub try again later while later events of the same key wait.",
			checkDown, true,
		},
		{"Deliver returns when ctx ends", durably, checkCancelled, false},
		{"Deliver leaves no goroutine", durably, checkSinkGoroutines, false},
	}
}

func (c SinkCase) patience() time.Duration { return cmp.Or(c.Patience, defaultPatience) }
