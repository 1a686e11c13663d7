package open311

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// due tells whether a sweep has to be made: at the start, and then by the setting sweep.
// After one that failed the wait doubles, from poll up to sweep, since it may have asked
// much.
func (r *run) due(now time.Time) bool {
	if wait := r.next.Sub(now); wait > 0 && wait <= r.retry {
		return false
	}
	return r.swept.IsZero() || r.retry > 0 || now.Sub(r.swept) >= r.set.Sweep
}

func (r *run) sweepAll(ctx context.Context, now time.Time) error {
	err := errors.Join(r.sweep(ctx, now), forgetWritten(r.set, now))
	if err == nil {
		r.swept, r.retry = now, 0
		return nil
	}
	r.retry = min(max(2*r.retry, r.set.Poll), r.set.Sweep)
	r.next = now.Add(r.retry)
	return err
}

// maxWithout bounds what is kept of statuses without updates.
const maxWithout = 10_000

// withoutUpdate tells whether a status that a request has is one of which no update tells:
// the updates were read since it was seen first. So what an update says with a text is not
// told before without it.
func (r *run) withoutUpdate(rep *report, known *told) bool {
	if rep.Status == known.Status || !rep.updated.After(known.Updated) {
		delete(r.without, rep.ID)
		return false
	}
	seen, before := r.without[rep.ID]
	if before && seen < r.round || !before && len(r.without) >= maxWithout {
		delete(r.without, rep.ID)
		return true
	}
	if !before {
		if r.without == nil {
			r.without = map[string]int{}
		}
		r.without[rep.ID] = r.round
	}
	return false
}

// moment gives a time that is remembered. One that is damaged holds nothing up: it counts
// as none, and what it would have spared is looked at again.
func (r *run) moment(ctx context.Context, key string) (at time.Time, damaged bool, err error) {
	at, err = r.memory.moment(ctx, key)
	if errors.Is(err, errDamaged) {
		r.log.Error("open311: a time in the memory is damaged and set anew", zap.String("key", key))
		return time.Time{}, true, nil
	}
	return at, false, err
}
