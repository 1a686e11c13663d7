package adaptertest

import (
	"cmp"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/hub"
)

// SourceCase says how a kind's source is tested.
type SourceCase struct {
	// New makes an empty foreign system and ends it with t.Cleanup. Every check
	// has one of its own, some have several.
	New func(t testing.TB) Origin
	// PerKey asks for order only among events of one key (correlationid, else
	// subject, else source). Without it the events must come in the order of
	// their inputs.
	PerKey bool
	// Patience is how long an event may take; 10 s when it is 0. Settings for
	// the test should poll every few milliseconds.
	Patience time.Duration
	// Goroutines excuses goroutines of the foreign system.
	Goroutines []goleak.Option

	far bool // the source runs as in its own process
}

// Origin is a foreign system that a source reads.
type Origin struct {
	// Source makes a source for the foreign system as it stands: anew for each
	// start of the hub.
	Source func() (hub.Source, error)
	// Input gives the nth good input, n from 0. Inputs of different n become
	// different events; each becomes at least one.
	Input func(n int) Input
	// Bad are inputs that can never become an event: at least one.
	Bad []Input
	// SetAside gives the reasons of all inputs that the source has set aside,
	// one each; "" for one without a reason.
	SetAside func() ([]string, error)
	// Confirmed gives every effect that hub.Listener calls had on the foreign
	// system; nil where there are none.
	Confirmed func() ([]string, error)
}

// Input is something that the foreign system has for the hub.
type Input struct {
	// Name says what is special about it.
	Name string
	// Put brings it into the foreign system. It comes after all that was put
	// before.
	Put func() error
	// Want are the events that must come of it, in order.
	Want []Want
}

// sourceCheck tries to catch a source breaking one sentence of the contract.
type sourceCheck struct {
	name, contract string
	run            func(testing.TB, SourceCase) error
	far            bool // also by HTTP; the others ask when and where it is called
}

// Source runs the suite against a source; each check is a subtest. It panics in a
// parallel test.
func Source(t *testing.T, c SourceCase) {
	t.Helper()
	alone(t)
	for _, check := range sourceChecks() {
		t.Run(check.name, func(t *testing.T) {
			report(t, check.contract, check.run(t, c))
		})
	}
	c.far = true
	for _, check := range sourceChecks() {
		if check.far {
			t.Run("in its own process: "+check.name, func(t *testing.T) {
				report(t, check.contract, check.run(t, c))
			})
		}
	}
}

// alone refuses a parallel test, as t.Setenv does: the checks for goroutines
// that are left would take those of the tests beside it for the adapter's.
func alone(t *testing.T) {
	t.Helper()
	t.Setenv("AMTSBOTE_ADAPTERTEST", "alone")
}

func sourceChecks() []sourceCheck {
	return []sourceCheck{
		{
			"every input becomes exactly its events",
			"Run polls or listens until ctx ends and gives every event to in.",
			checkInputs, true,
		},
		{
			"a failed publish is tried again in order",
			"any other error means: not stored as far as known, publish the same event again.",
			checkFailedPublish, true,
		},
		{
			"a restart at any point loses nothing",
			"Whatever Run had not yet given to Publish successfully must still be in the foreign system " +
				"(or claimed by the source on disk) when Run starts again: nothing is lost by a crash at any point.",
			checkRestart, false,
		},
		{
			"an event that the hub refuses is set aside",
			"A Permanent Fault means that the hub refuses the event for good",
			checkRefused, true,
		},
		{
			"a bad input is set aside",
			"An input that can never become an event is set aside by the source with its reason, " +
				"and does not stop the ones behind it.",
			checkBadInputs, true,
		},
		{
			"Run returns when ctx ends",
			"It returns nil when ctx ended, and an error only when it cannot go on",
			checkEnd, true,
		},
		{
			"Run leaves no goroutine",
			"Run polls or listens until ctx ends",
			checkSourceGoroutines, false,
		},
		{
			"blobs are there before the event",
			"The reference is durable when Put returns.",
			checkBlobs, true,
		},
		{
			"a listener is idempotent",
			"It is called at least once per event, also across restarts; an error makes the hub call again later. " +
				"It must be idempotent.",
			checkListener, false,
		},
	}
}

func (c SourceCase) patience() time.Duration { return cmp.Or(c.Patience, defaultPatience) }
