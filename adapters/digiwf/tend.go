package digiwf

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
)

// tend looks again and again for requests that nobody has answered in time, and
// forgets what was sent long ago.
func (r *run) tend(ctx context.Context) error {
	tick := time.NewTicker(r.set.Retry.Most)
	defer tick.Stop()
	var forgot time.Time
	for {
		if err := r.overdue(ctx); err != nil {
			return err
		}
		if time.Since(forgot) > tidyEvery {
			if err := r.desk.tidy(ctx); err != nil {
				return err
			}
			forgot = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// overdue raises an incident for each request whose time is over.
func (r *run) overdue(ctx context.Context) error {
	timed := slices.ContainsFunc(r.set.Integration.Requests, func(q request) bool { return q.Within > 0 })
	if !timed {
		return nil
	}
	return r.desk.each(ctx, func(o *opened) error {
		req := r.set.request(o.Type)
		if req == nil || req.Within == 0 || time.Since(o.Since) < req.Within {
			return nil
		}
		return r.giveUp(ctx, o)
	})
}

func (r *run) giveUp(ctx context.Context, o *opened) error {
	leave, err := r.desk.hold(ctx, o.ID)
	if err != nil {
		return err
	}
	defer leave()
	underWay, err := r.desk.box.UnderWay(o.key(), bySource)
	if err != nil || underWay { // an answer came in time; if it fails for good there is a next look
		return err
	}
	if err := r.desk.late(o); err != nil {
		return err
	}
	if err := r.desk.oweIncident(o.key(), o.to(), "no answer came in time"); err != nil {
		return err
	}
	r.nudge()
	r.log.Warn("digiwf: no answer came in time", zap.String("event", o.ID))
	return r.desk.forget(o)
}

// lateKey remembers that in a case an answer may come that is too late: without a
// causationid nobody can tell it from one to the next request.
func lateKey(correlation string) string { return "late|" + post.ID(correlation) }

func (d *desk) late(o *opened) error {
	if o.Reply != replyEvent || o.Correlation == "" {
		return nil
	}
	return d.box.Note(lateKey(o.Correlation))
}

// tidyEvery is how often what is older than Keep is removed.
const tidyEvery = 24 * time.Hour

// tidy removes what was sent, and which events were asked for, before Keep. Source and
// sink both do it: an adapter may have one of them alone.
func (d *desk) tidy(ctx context.Context) error {
	before := time.Now().Add(-d.set.Keep)
	if err := d.box.Forget(ctx, before); err != nil {
		return err
	}
	return d.forgetKnown(ctx, before)
}

// forgetKnown leaves events for which requests are open.
func (d *desk) forgetKnown(ctx context.Context, before time.Time) error {
	ids, err := disk.OlderThan(d.set.folder(knownFolder), ending, before)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.forgetOne(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) forgetOne(ctx context.Context, id string) error {
	leave, err := d.hold(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	open, err := d.openOf(id)
	if err != nil || len(open) > 0 {
		return ignoreDamaged(err)
	}
	return disk.Remove(d.knownPath(id))
}

func ignoreDamaged(err error) error {
	if errors.Is(err, disk.ErrDamaged) {
		return nil
	}
	return err
}
