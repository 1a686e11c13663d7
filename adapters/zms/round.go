package zms

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// views is what a round has seen.
type views struct {
	seen     map[string]bool // process numbers
	complete map[string]bool // scope and day whose list was complete
}

func (v views) mark(scope, day string, l Listing) {
	v.complete[scope+" "+day] = l.Complete
	v.markSeen(l)
}

func (v views) markSeen(l Listing) {
	for _, o := range l.Seen {
		v.seen[o.Process] = true
	}
	for _, u := range l.Unreadable {
		v.seen[u.Process] = true
	}
}

// round asks once for everything. What ZMS as a whole refuses breaks it off; a list that
// cannot be had costs that list alone. The error says of the first that failed.
func (r *run) round(ctx context.Context) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	v := views{seen: map[string]bool{}, complete: map[string]bool{}}
	days := r.days()
	var failed error
	for _, p := range r.set.Scopes {
		for _, day := range days {
			l, err := r.client.day(ctx, p.ID, day)
			if err == nil {
				v.mark(p.ID, day, l)
			}
			if failed, err = r.taken(ctx, p.ID, day, l, err, failed); err != nil {
				return err
			}
		}
		for _, status := range r.set.Status {
			l, err := r.client.withStatus(ctx, p.ID, status)
			v.markSeen(l)
			if failed, err = r.taken(ctx, p.ID, status, l, err, failed); err != nil {
				return err
			}
		}
	}
	return errors.Join(r.absences(ctx, v), r.forget(days[0], v), failed)
}

// taken takes a list, or remembers why there is none. err breaks the round off.
func (r *run) taken(ctx context.Context, scope, view string, l Listing, asking, before error) (failed, err error) {
	switch {
	case asking == nil:
		return before, r.take(ctx, scope, view, l)
	case isAway(asking):
		return nil, asked(asking)
	case before != nil:
		return before, nil
	}
	return asked(asking), nil
}

// isAway tells whether the next call would fare the same.
func isAway(err error) bool {
	failed, ok := errors.AsType[*eai.Error](err)
	return !ok || failed.After > 0 || failed.Status == http.StatusTooManyRequests || failed.Status == http.StatusServiceUnavailable ||
		slices.Contains([]string{eai.Away, eai.Timeout, eai.Unauthorised}, failed.Code)
}

// asked makes a Fault of an error of ZMS.
func asked(err error) error {
	f := hub.FaultOf(eai.Fault("ask ZMS", err))
	f.Permanent = false // whatever it is: the next round asks again
	return f
}

func (r *run) flush(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.publish(ctx)
}

// days are those of the window, in Berlin.
func (r *run) days() (all []string) {
	today := r.now().In(r.teller.zone)
	for n := -r.set.Tage.Zurueck; n <= r.set.Tage.Voraus; n++ {
		all = append(all, time.Date(today.Year(), today.Month(), today.Day()+n, 12, 0, 0, 0, r.teller.zone).Format(time.DateOnly))
	}
	return all
}

// take tells what a list has that was not known.
func (r *run) take(ctx context.Context, scope, view string, l Listing) error {
	for _, u := range l.Unreadable {
		if err := r.aside.process(scope, view, u); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var step record
	for _, o := range l.Seen {
		if o.Scope == "" {
			o.Scope = scope
		}
		if err := r.see(&step, o, ""); err != nil {
			return err
		}
	}
	return r.carryOut(ctx, step)
}

// see adds to a step what an observation changes. cause is the event that ordered it,
// "" for none.
func (r *run) see(step *record, o Observation, cause string) error {
	if d := r.set.dienststelle(o.Scope); d != "" {
		o.Dienststelle = d
	}
	var old *entry
	if e, there := r.journal.entries[o.Process]; there {
		old = &e
	} else if !worthKeeping(o) || cause == "" && r.past(o) {
		return nil
	}
	fresh, err := r.fresh(o)
	if err != nil {
		return err
	}
	next, facts := follow(old, o, fresh, cause != "", r.now().Unix())
	if old != nil && reflect.DeepEqual(*old, next) {
		return nil
	}
	step.Entries = append(step.Entries, next)
	return r.tell(step, facts, cause)
}

// worthKeeping tells whether a process that was never seen can become an appointment.
func worthKeeping(o Observation) bool {
	return !o.WalkIn && (slices.Contains(booked, o.Status) || o.Status == reserved || o.Status == preconfirmed || o.Token != "")
}

// past tells whether an appointment was before the window: lists by status still have
// it when it is forgotten.
func (r *run) past(o Observation) bool {
	return o.Begin != 0 && r.dayOf(o.Begin) < r.days()[0]
}

// fresh is the entry for a process that is not known.
func (r *run) fresh(o Observation) (entry, error) {
	e := entry{Observation: o, ID: r.teller.secret.of(o)}
	if o.Token == "" {
		return e, nil
	}
	c, err := r.cases.get(o.Token)
	if err != nil {
		return e, err
	}
	e.Antrag, e.Case = c.Antrag, c.Case
	return e, nil
}

var errNoOffice = hub.Permanent("ohne-dienststelle", "an appointment of a scope that the settings do not name, without a provider")

// tell adds the events to a step that tell the facts.
func (r *run) tell(step *record, facts []fact, cause string) error {
	for _, f := range facts {
		if f.of.Dienststelle == "" || f.before != nil && f.before.Dienststelle == "" {
			if err := r.aside.process(f.of.Scope, f.what, Unreadable{f.of.Process, []byte(f.of.ID), errNoOffice}); err != nil {
				return err
			}
			continue
		}
		e, err := r.teller.event(f, cause)
		if err != nil {
			return err
		}
		raw, err := e.MarshalJSON()
		if err != nil {
			return errNoJSON
		}
		step.Events = append(step.Events, raw)
	}
	return nil
}

// carryOut does a step, and publishes.
func (r *run) carryOut(ctx context.Context, step record) error {
	if len(step.Entries)+len(step.Gone)+len(step.Events) > 0 {
		if err := r.journal.commit(step); err != nil {
			return err
		}
	}
	return r.publish(ctx)
}

// forget lets go of appointments before the window, and of what has no time, is in no
// list any more, and was last changed before the window.
func (r *run) forget(first string, v views) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var step record
	for number, e := range r.journal.entries {
		timeless := e.Begin == 0 && !v.seen[number] && r.dayOf(max(e.Created, e.Changed)) < first
		if timeless || e.Begin != 0 && r.dayOf(e.Begin) < first {
			step.Gone = append(step.Gone, number)
		}
	}
	if len(step.Gone) == 0 {
		return nil
	}
	var err error
	for _, number := range step.Gone {
		err = errors.Join(err, r.cases.forget(r.journal.entries[number].Token))
	}
	r.log.Debug("zms: forgets appointments that are past", zap.Int("count", len(step.Gone)))
	return errors.Join(err, r.journal.commit(step))
}

func (r *run) dayOf(unix int64) string {
	return time.Unix(unix, 0).In(r.teller.zone).Format(time.DateOnly)
}
