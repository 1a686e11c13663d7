// Package adaptertest is the suite that every kind of adapter must pass. It
// takes the sentences of the comments on [hub.Source] and [hub.Sink] one by one
// and tries to catch an adapter breaking them; a failure quotes the sentence.
//
// A kind's own test tells the suite how to play its foreign system, and runs
// it:
//
//	func TestSource(t *testing.T) {
//		adaptertest.Source(t, adaptertest.SourceCase{New: newOrigin})
//	}
//
//	func TestSink(t *testing.T) {
//		adaptertest.Sink(t, adaptertest.SinkCase{New: newDestination})
//	}
//
// The foreign system is the adapter's business: a folder, a server in the test
// process, a database. The hub's side is the suite's: an in-memory [Intake]
// that can refuse, fail and stop at any call. It stands for the contract, not
// for NATS; the hub has tests of its own against the real thing.
//
// Run it with -race: some breaches show only there.
package adaptertest

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// defaultPatience is how long something may take that must happen at some time.
const defaultPatience = 10 * time.Second

// promptly is how soon Run and Deliver must return after their context's end.
const promptly = 2 * time.Second

// errSkip marks a check that does not apply to the adapter.
var errSkip = errors.New("does not apply")

// report turns a check's outcome into that of its subtest.
func report(t *testing.T, contract string, err error) {
	t.Helper()
	switch {
	case errors.Is(err, errSkip):
		t.Log(err)
	case err != nil:
		t.Errorf("%v\n\nthe contract demands: %q", err, contract)
	}
}

// within waits for done, at most for limit.
func within[T any](done <-chan T, limit time.Duration, what string) (T, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case v := <-done:
		return v, nil
	case <-timer.C:
		var none T
		return none, fmt.Errorf("%s took longer than %v", what, limit)
	}
}

// eventually asks until the answer is no error, at most for limit. The foreign
// systems under test give no notice, so it has to ask again and again.
func eventually(limit time.Duration, ask func() error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-again.C:
		}
	}
}
