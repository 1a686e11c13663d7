// Package settle is the fifth stage: the one pure decision from a fault and the
// number of attempts to what happens next. Nothing else decides this. (Wait only
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

// The verdicts. Parking a key that cannot proceed will be a fourth, decided
// here too.
const (
	Release    Verdict = iota // done: let go
	Again                     // try again after Decision.After; later events of the key wait
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

// Settle decides. err is what the attempt (counted from 1) came back with,
// jitter a number in [0,1) that spreads the delays of many.
func Settle(err error, attempt int, jitter float64) Decision {
	f := hub.FaultOf(err)
	switch {
	case f == nil:
		return Decision{Verdict: Release}
	case f.Permanent:
		return Decision{Verdict: Quarantine}
	}
	delay := Backoff(attempt, jitter)
	if f.After > delay {
		delay = f.After
	}
	return Decision{Verdict: Again, After: delay}
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
