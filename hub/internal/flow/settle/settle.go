// Package settle is the fifth stage: the one pure decision from a fault and the
// attempts made to what happens next. Nothing else decides this. (Wait only
// waits out what was decided.)
package settle

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Verdict is what happens next to a copy or a batch.
type Verdict int

// The verdicts.
const (
	Release    Verdict = iota // done: let go
	Again                     // try again after Decision.After; later events of the key wait
	Park                      // set the key aside, this event and every later one; all others go on
	Quarantine                // never: the copy goes to quarantine
)

// Decision is a verdict with its delay.
type Decision struct {
	Verdict Verdict
	After   time.Duration
}

// Bounds of the delay between tries.
const (
	FirstDelay = time.Second
	MaxDelay   = 10 * time.Minute
)

// Budget is how long a fault may last before the key is parked: Attempts and
// Time must both be used up; Crowded attempts are enough for a key that keeps
// others from their turn. The zero Budget never ends.
type Budget struct {
	Attempts int
	Time     time.Duration
	Crowded  int
}

// DefaultBudget outlasts a restart or an update of the receiver's system (which
// take minutes), and still tells a person within the same working day: delays
// double from FirstDelay, so the twelfth attempt comes after 14 to 27 minutes.
// The fifth comes after 8 to 15 seconds: so long others may wait for one key.
var DefaultBudget = Budget{Attempts: 12, Time: time.Hour, Crowded: 5}

// Try is what is known of something that was tried.
type Try struct {
	Err     error   // what the last attempt came back with
	Attempt int     // its number, from 1
	Jitter  float64 // in [0,1): spreads the delays of many

	// What follows is for what belongs to a key that can be parked.

	Budget Budget
	Lasted time.Duration // since the first attempt that failed
	// Alone: nothing else has got through to the same receiver since then. It
	// may be down as a whole, and parking would only move everything.
	Alone bool
	// Crowded: what waits behind this one keeps other keys from their turn.
	Crowded bool
}

// Settle decides.
func Settle(t Try) Decision {
	f := hub.FaultOf(t.Err)
	switch {
	case f == nil:
		return Decision{Verdict: Release}
	case f.Permanent:
		return Decision{Verdict: Quarantine}
	case f.Later:
		return Decision{Verdict: Again, After: f.After}
	case t.exhausted():
		return Decision{Verdict: Park}
	}
	delay := Backoff(t.Attempt, t.Jitter)
	if f.After > delay {
		delay = f.After
	}
	return Decision{Verdict: Again, After: delay}
}

func (t *Try) exhausted() bool {
	if t.Budget == (Budget{}) || t.Alone {
		return false
	}
	if t.Crowded && t.Attempt >= t.Budget.Crowded {
		return true
	}
	return t.Attempt >= t.Budget.Attempts && t.Lasted >= t.Budget.Time
}

// Backoff doubles from FirstDelay to MaxDelay and takes off up to half by
// jitter.
func Backoff(attempt int, jitter float64) time.Duration {
	d := MaxDelay
	if shift := attempt - 1; shift < 20 {
		d = min(FirstDelay<<max(shift, 0), MaxDelay)
	}
	return d - time.Duration(jitter*float64(d)/2)
}

// Jitter is the jitter for callers that need no seed.
func Jitter() float64 { return rand.Float64() } //nolint:gosec // spreading load needs no secrecy

// Wait waits out a delay, or until ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
