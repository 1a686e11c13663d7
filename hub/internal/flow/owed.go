package flow

import (
	"context"
	"errors"
	"maps"
	"slices"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// What a mailbox cannot take since its quota is full is owed to it (ADR 0012).
// The events stay in the in stream, their decisions in the trail; the cursor in
// OUT says from which event on. While anything is owed, later copies are owed
// too: that keeps the order. All other mailboxes get theirs.

// withhold takes out of loads what is owed, and gives the debts as they are
// then. What a crash repeats is withheld as before.
func (l *Lane) withhold(loads []load) ([]load, map[string]decision.Owed) {
	if l.roomy(loads) {
		return loads, nil
	}
	debts := maps.Clone(l.out.at.Owed)
	underway := map[string]int64{}
	var out []load
	for i, ld := range loads {
		begun := i == 0 && (l.out.at.Part > 0 || l.out.stored > 0) // some of its copies are stored: the rest is cut as it was
		passed := map[string]bool{}                                // an event can bring a mailbox a copy and a receipt
		msgs := make([]event.Message, 0, len(ld.msgs))
		for k := range ld.msgs {
			m := &ld.msgs[k]
			app, size := quota.ApplicationOf(m.Subject), quota.Size(m)
			if !passed[app] {
				o, owed := debts[app]
				switch {
				case owed && ld.seq >= o.Seq:
					continue
				case !owed && !begun && l.blocked(app, underway[app], size):
					if debts == nil {
						debts = map[string]decision.Owed{}
					}
					debts[app] = decision.Owed{Seq: ld.seq, Trail: l.out.at.Trail}
					continue
				}
			}
			passed[app] = true
			underway[app] += size
			msgs = append(msgs, *m)
		}
		if len(msgs) > 0 {
			out = append(out, load{ld.seq, msgs})
		}
	}
	return out, debts
}

// roomy tells whether nothing is owed, and all of loads finds room, as nearly always.
func (l *Lane) roomy(loads []load) bool {
	if len(l.out.at.Owed) > 0 || l.out.at.Part > 0 || l.out.stored > 0 {
		return false
	}
	bytes := map[string]int64{}
	for _, ld := range loads {
		for k := range ld.msgs {
			bytes[quota.ApplicationOf(ld.msgs[k].Subject)] += quota.Size(&ld.msgs[k])
		}
	}
	edge := l.In == bus.EdgeStream(l.Organisation)
	for app, n := range bytes {
		if l.Boxes != nil && app != "" && (!l.Boxes.Takes(app, n) || !edge && l.Parking.owes(app)) {
			return false
		}
	}
	return true
}

// blocked tells whether a mailbox must not get a copy: it is full, or an event
// that was released before is owed to it and would be overtaken.
func (l *Lane) blocked(application string, underway, size int64) bool {
	if l.Boxes == nil || application == "" {
		return false
	}
	return l.Boxes.Full(application, underway, size) || l.In != bus.EdgeStream(l.Organisation) && l.Parking.owes(application)
}

// deliverCopies stores copies in OUT but for those that are owed.
func (l *Lane) deliverCopies(ctx context.Context, loads []load) error {
	if len(loads) == 0 {
		return nil
	}
	loads, debts := l.withhold(l.out.rest(loads))
	base := l.out.at
	base.Epoch, base.Trail = l.base.Epoch, l.base.Trail
	base.Owed = debts
	batches := pack(base, loads)
	if len(batches) == 0 && !maps.Equal(debts, l.out.at.Owed) {
		batches = []*batch{newBatch(base, nil)}
	}
	for _, b := range l.out.joined(batches) {
		if err := l.storeCopies(ctx, b); err != nil {
			return err
		}
	}
	for _, b := range batches {
		send.Done(b.msgs)
	}
	return nil
}

// storeCopies writes a batch to OUT and has it counted.
func (l *Lane) storeCopies(ctx context.Context, b *batch) error {
	err := l.persist(ctx, l.out, b)
	if errors.Is(err, errParts) {
		for _, part := range b.parts {
			if err := l.storeCopies(ctx, part); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	l.count(b)
	return nil
}

// count has what was stored in OUT counted.
func (l *Lane) count(b *batch) {
	l.tellOwed()
	if l.Boxes == nil {
		return
	}
	for i := range b.msgs {
		if app := quota.ApplicationOf(b.msgs[i].Subject); app != "" {
			l.Boxes.Stored(app, l.out.first+uint64(i), &b.msgs[i])
		}
	}
}

// tellOwed has the other lane of the organisation know what the edge stream's
// owes.
func (l *Lane) tellOwed() {
	if l.In == bus.EdgeStream(l.Organisation) {
		l.Parking.owe(l.out.at.Owed, true)
	}
}

// learnOwed reads what the edge stream's lane owes, which may not be at work yet.
func (l *Lane) learnOwed(ctx context.Context) error {
	if l.In == bus.EdgeStream(l.Organisation) {
		l.tellOwed()
		return nil
	}
	other := newTarget(l.Bus, bus.Out, "out", bus.EdgeStream(l.Organisation))
	at, _, err := other.cursor(ctx)
	if err != nil {
		return err
	}
	l.Parking.owe(at.Owed, false)
	return nil
}

// owe takes in what the edge stream's lane owes; what it says itself counts.
func (p *Parking) owe(debts map[string]decision.Owed, itself bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if itself || !p.owedKnown {
		p.owed, p.owedKnown = debts, itself
	}
}

// owes tells whether the edge stream's lane owes a mailbox something.
func (p *Parking) owes(application string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, owed := p.owed[application]
	return owed
}

// pay stores what is owed to mailboxes that have room again, a page each, and
// tells whether it stored anything.
func (l *Lane) pay(ctx context.Context) (more bool, err error) {
	l.version = l.Current()
	for _, app := range slices.Sorted(maps.Keys(l.out.at.Owed)) {
		if l.blocked(app, 0, 1) {
			continue
		}
		before := l.out.at.Owed[app]
		if err := l.payOne(ctx, app); err != nil {
			if ctx.Err() != nil || errors.Is(err, bus.ErrFenced) {
				return false, err
			}
			// the others are paid all the same
			if before.Seq != l.unpaid[app] {
				l.Log.Error("what a mailbox is owed cannot be stored now; trying again", zap.String("application", app), zap.Uint64("from", before.Seq), zap.Error(err))
				if l.unpaid == nil {
					l.unpaid = map[string]uint64{}
				}
				l.unpaid[app] = before.Seq
			}
			continue
		}
		if after, owed := l.out.at.Owed[app]; !owed || after != before {
			more = true
		}
	}
	return more, nil
}

// payOne stores a page of what is owed to a mailbox.
func (l *Lane) payOne(ctx context.Context, app string) error {
	debt := l.out.at.Owed[app]
	ds, next, err := l.owedPage(ctx, debt)
	if err != nil {
		return err
	}
	var msgs []event.Message
	size := int64(0)
	for _, d := range ds {
		some, err := l.owedCopies(ctx, app, d)
		if err != nil {
			return errors.Join(err, l.settleDebt(ctx, app, &decision.Owed{Seq: d.Seq, Trail: debt.Trail}, msgs))
		}
		n := int64(0)
		for i := range some {
			n += quota.Size(&some[i])
		}
		if n > 0 && l.blocked(app, size, n) {
			return l.settleDebt(ctx, app, &decision.Owed{Seq: d.Seq, Trail: debt.Trail}, msgs)
		}
		if len(msgs) > 0 && (len(msgs)+len(some) > packMessages || size+n > packBytes) {
			if err := l.settleDebt(ctx, app, &decision.Owed{Seq: d.Seq, Trail: debt.Trail}, msgs); err != nil {
				return err
			}
			msgs, size = nil, 0
		}
		msgs, size = append(msgs, some...), size+n
	}
	return l.settleDebt(ctx, app, next, msgs)
}

// settleDebt stores copies that were owed together with what is owed then; nil:
// nothing. All decisions are carried out, so the cursor comes up with the trail's.
func (l *Lane) settleDebt(ctx context.Context, app string, owed *decision.Owed, msgs []event.Message) error {
	c := l.out.at
	if len(msgs) == 0 && owed != nil && *owed == c.Owed[app] {
		return nil
	}
	c.Owed = maps.Clone(c.Owed)
	if delete(c.Owed, app); owed != nil {
		c.Owed[app] = *owed
	}
	c.Seq, c.Part, c.Epoch, c.Trail = l.trail.at.Seq, 0, l.trail.at.Epoch, l.trail.last
	if err := l.storeCopies(ctx, newBatch(c, msgs)); err != nil {
		return err
	}
	if owed == nil {
		l.Log.Info("a mailbox has got all that it was owed", zap.String("application", app))
	}
	return nil
}

// owedPage reads the decisions from a debt's place on; next is where the debt goes
// on, nil when that is all. A record that an event could not be carried out comes
// before any later batch: so reading goes on for as much as a batch holds.
func (l *Lane) owedPage(ctx context.Context, debt decision.Owed) (ds []*decision.Decision, next *decision.Owed, err error) {
	place := map[uint64]int{}
	beyond := 0
	take := func(d *decision.Decision, at uint64) error {
		if d.Seq < debt.Seq {
			return nil
		}
		if i, twice := place[d.Seq]; twice {
			if d.Outcome == hub.Parked {
				ds[i] = d
			}
			return nil
		}
		if len(ds) == maxEvents {
			if next == nil {
				next = &decision.Owed{Seq: d.Seq, Trail: at - 1}
			}
			if beyond++; beyond > 2*maxEvents {
				return errPage
			}
			return nil
		}
		place[d.Seq] = len(ds)
		ds = append(ds, d)
		return nil
	}
	err = l.Bus.Often(ctx, bus.Trail, debt.Trail+1, []string{"trail.decision." + l.In + ".>"}, func(m *event.Message) error {
		some, err := trail.ReadDecisions(m)
		for i := 0; i < len(some) && err == nil; i++ {
			err = take(some[i], m.Seq)
		}
		return err
	})
	if errors.Is(err, errPage) {
		err = nil
	}
	return ds, next, err
}

// errPage ends a reading.
var errPage = errors.New("the page is read")

// owedCopies makes what an event brings to one mailbox.
func (l *Lane) owedCopies(ctx context.Context, app string, d *decision.Decision) ([]event.Message, error) {
	routed := d.Outcome == hub.Routed
	refused := (d.Outcome == hub.Quarantined || d.Outcome == hub.Unrouted) && !d.Code.ByPerson()
	to := func(r decision.Receiver) bool { return r.Application == app }
	concerns := d.Receipt == app || slices.ContainsFunc(d.Receivers, to)
	if !concerns || !routed && !refused || l.lost(d) {
		return nil, nil
	}
	m, err := l.Bus.At(ctx, l.In, d.Seq, ">")
	if err != nil {
		return nil, err
	}
	if m == nil || m.Seq != d.Seq {
		return nil, errLost
	}
	if refused {
		return []event.Message{l.receipt(d, m)}, nil
	}
	e, err := l.read(d, m)
	if err != nil {
		return nil, err
	}
	all, err := l.copies(d, e)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m event.Message) bool { return quota.ApplicationOf(m.Subject) != app }), nil
}
