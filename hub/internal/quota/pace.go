package quota

import (
	"context"
	"iter"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// Pace is how many events a second are worked off for an organisation, whatever way
// they came. What comes faster waits in its in streams, and when these are full its
// publishers wait: nobody else does. Its methods are safe for concurrent use; a nil
// Pace holds nobody up.
type Pace struct {
	Organisation string
	// Rate is in events a second by the version in force; 0: as many as come.
	Rate func() int
	Log  *zap.Logger

	mu      sync.Mutex
	limiter *rate.Limiter
	held    time.Duration // how long events were held up, in all
	last    time.Time     // when they were last
}

// Steps splits what has come into what may be worked off at a time.
func Steps[E any](p *Pace, all []E) iter.Seq[[]E] {
	return func(yield func([]E) bool) {
		for len(all) > 0 {
			n := len(all)
			if most := p.rate(); most > 0 {
				n = min(n, most)
			}
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// Bounded tells whether events may have to wait.
func (p *Pace) Bounded() bool { return p.rate() > 0 }

func (p *Pace) rate() int {
	if p == nil {
		return 0
	}
	return p.Rate()
}

// Wait returns when n events, no more than Steps gives at a time, may be worked off.
func (p *Pace) Wait(ctx context.Context, n int) error {
	most := p.rate()
	if most <= 0 {
		return ctx.Err()
	}
	wait := p.reserve(time.Now(), most, n)
	if wait <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// reserve takes places for n events and tells how long it is until these are due.
func (p *Pace) reserve(now time.Time, most, n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limiter == nil || p.limiter.Limit() != rate.Limit(most) {
		p.limiter = rate.NewLimiter(rate.Limit(most), most)
	}
	wait := p.limiter.ReserveN(now, min(n, most)).DelayFrom(now) // a reload may have lowered it
	if wait <= 0 {
		return 0
	}
	if now.Sub(p.last) > calm {
		p.Log.Warn("an organisation hands in more events than its limits allow: they wait in its in streams, all others go on",
			zap.String("organisation", p.Organisation), zap.Int("events_per_second", most))
	}
	p.held, p.last = p.held+wait, now
	return wait
}

// Held is how long an organisation's events were held up, in all.
func (p *Pace) Held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}
