package zms

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// enough is how many complete lists in a row must lack an appointment before ZMS is
// asked for it alone.
const enough = 2

// absences judges what no list of the round had, though the list of its day was
// complete.
func (r *run) absences(ctx context.Context, v views) error {
	var failed error
	for _, e := range r.absent(v) {
		err := r.absence(ctx, e)
		if unasked, ok := errors.AsType[*eai.Error](err); ok && !isAway(unasked) {
			failed = err // of this process alone
			continue
		}
		if err != nil {
			return err
		}
	}
	return failed
}

// absent are the entries in question, as they were before the round.
func (r *run) absent(v views) (all []entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for number, e := range r.journal.entries {
		if !v.seen[number] && v.complete[e.Scope+" "+r.dayOf(e.Begin)] && !slices.Contains(cancelled, e.Status) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return int(a.Begin - b.Begin) })
	return all
}

// absence counts once more that an entry is missing; the second time it finds out why.
// An appointment whose time has come is left alone: it is not cancelled, it is past.
func (r *run) absence(ctx context.Context, e entry) error {
	if e.Begin <= r.now().Unix() || e.Status == finished {
		return nil
	}
	if e.Missing+1 < enough {
		e.Missing++
		return r.replace(ctx, e)
	}
	if !e.Booked {
		return r.drop(e) // a reservation that has ended
	}
	o, _, err := r.client.process(ctx, e.Process)
	if err != nil {
		return asked(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now, there := r.journal.entries[e.Process]
	if !there {
		return nil
	}
	var step record
	switch {
	case o != nil && o.Status != anonymized && o.Status != archived:
		// It is somewhere else, or its status says what happened.
		err = r.see(&step, *o, "")
	case now.Booked:
		now.Booked, now.Cancelled, now.Status = false, true, deleted
		step.Entries = append(step.Entries, now)
		err = r.tell(&step, []fact{{what: abgesagt, of: now, at: r.now().Unix()}}, "")
		r.log.Info("zms: an appointment is gone", zap.String("termin", now.ID))
	}
	if err != nil {
		return err
	}
	return r.carryOut(ctx, step)
}

// replace writes an entry unless it has changed meanwhile.
func (r *run) replace(ctx context.Context, e entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, there := r.journal.entries[e.Process]
	if !there || now.Changed != e.Changed || now.Status != e.Status {
		return nil
	}
	return r.carryOut(ctx, record{Entries: []entry{e}})
}

func (r *run) drop(e entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now, there := r.journal.entries[e.Process]; !there || now.Booked {
		return nil
	}
	return r.journal.commit(record{Gone: []string{e.Process}})
}
