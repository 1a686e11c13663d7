package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// pair is what a batch of few events brings to TRAIL and to OUT, stored there at the same time
// (ADR 0025): a copy waits for one confirmation of the server and not for two. The decision
// still comes first. The chain in OUT opens with a cursor that holds the records, so no copy
// exists without them; and if the lane ends before they are in the trail, the next take-over
// writes them there before anything else (restore).
type pair struct {
	groups     []trail.Group
	trail, out *batch
	opens      decision.Cursor // of the chain in OUT: where the lane stands before it
	flies      bool            // the copies are not waited for, once the decisions are stored
}

// pair gives what decisions bring, if it may be stored at the same time; nil if not: then they
// are recorded first. It may where that is sooner on this server (manner), and as long as all is
// as nearly always: nothing is in flight, nothing is parked, and every copy can be made and finds
// room.
func (l *Lane) pair(ctx context.Context, ds []*decision.Decision, msgs []*event.Message) (*pair, error) {
	how := l.manner(len(ds))
	if how != inPair && how != pairInFlight || len(ds) >= manyEvents || l.flight != nil || portion(ds, msgs) < len(ds) || l.Parking.any() {
		return nil, nil
	}
	if how == pairInFlight && (!l.flies(len(ds), len(ds)) || slices.ContainsFunc(ds, elsewhere) || !l.Bus.Idle(l.out.subject)) {
		return nil, nil // while others write to OUT its record would wait for them
	}
	loads := l.alike(ds, msgs)
	if len(loads) == 0 || !l.roomy(loads) {
		return nil, nil
	}
	base := l.out.at
	base.Epoch, base.Trail = l.trail.at.Epoch, l.trail.at.Trail
	batches := pack(base, loads)
	if len(batches) != 1 || !l.paired(how, l.out, batches[0]) {
		return nil, nil
	}
	groups, records, err := l.records(ctx, ds)
	if err != nil || !l.paired(how, l.trail, records) || bytesOf(records.msgs) > maxChained {
		return nil, err
	}
	p := &pair{groups, records, batches[0], base, how == pairInFlight}
	p.opens.Batch, p.opens.Decided = nuid.Next(), &decision.Decided{After: l.trail.at.Seq, UpTo: records.cursor.Seq}
	for i := range records.msgs {
		p.opens.Decided.Records = append(p.opens.Decided.Records, records.msgs[i].Data)
	}
	return p, nil
}

// alike makes what decisions bring to OUT; nothing if one of them is not as nearly always.
func (l *Lane) alike(ds []*decision.Decision, msgs []*event.Message) (loads []load) {
	for i, d := range ds {
		switch d.Outcome {
		case hub.Routed:
			e, err := l.read(d, msgs[i])
			if err != nil {
				return nil
			}
			copies, err := l.copies(d, e)
			if err != nil {
				return nil
			}
			loads = append(loads, load{d.Seq, copies})
		case hub.Quarantined, hub.Unrouted:
			if d.HasReceipt() {
				loads = append(loads, load{d.Seq, []event.Message{l.receipt(d, msgs[i])}})
			}
		case hub.Suppressed:
		default:
			return nil
		}
	}
	return loads
}

// elsewhere tells of a decision that it brings something to other streams than OUT.
func elsewhere(d *decision.Decision) bool {
	return d.Outcome != hub.Routed && d.Outcome != hub.Suppressed
}

// mostSynced is how many messages a chain of a pair has at most where each is synced: nobody
// else writes to its stream meanwhile.
const mostSynced = 4

// paired tells whether a batch may be one chain of a pair that is stored so.
func (l *Lane) paired(how manner, t *target, b *batch) bool {
	n := len(b.msgs) + 1
	cheap := n <= mostSynced
	if how == inPair {
		cheap = l.few == inPair || l.Bus.Pairs(n)
	}
	return cheap && l.Bus.Holds(n) && !t.taking && b.cursor.Seq > t.at.Seq && t.linkable(b)
}

// storePair stores it. It is called with Deciding held: before anybody else of the organisation
// decides, all that may stand in OUT is in the trail, and known. After an error the in stream
// must be taken over again, as what stands in OUT is not known. Of a pair that flies rest waits
// for the copies.
func (l *Lane) storePair(ctx context.Context, p *pair) (rest func(context.Context) error, err error) {
	copies, decisions, loose, err := l.halves(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := l.reach(ctx, "before both"); err != nil {
		return nil, err
	}
	var ahead func() error
	if p.flies {
		ahead, err = l.Bus.PairAhead(ctx, copies, decisions)
	} else {
		err = l.Bus.Pair(ctx, copies, decisions)
	}
	if err != nil {
		l.out.taking, l.trail.taking = true, true // no cursor may say more than that of OUT does
		switch {
		case decisions.Err == nil:
			l.trail.chained(p.trail, decisions.First, loose)
			l.tell(p.groups)
		case !refused(copies.Err) || !refused(decisions.Err):
			err = errors.Join(err, l.recordAlone(ctx, p, !refused(copies.Err)))
		}
		return nil, err
	}
	l.trail.chained(p.trail, decisions.First, loose)
	if !p.flies {
		l.landed(p, copies.First)
		return nil, l.reach(ctx, "after both")
	}
	return func(ctx context.Context) error { return l.landPair(ctx, p, copies, ahead) }, nil
}

// landPair waits for the copies of a pair that flies. If there was no room for any of it they wait
// for that, as all do: nothing is stored, and the decisions are recorded.
func (l *Lane) landPair(ctx context.Context, p *pair, copies *bus.Link, stored func() error) error {
	if err := l.reach(ctx, "between both"); err != nil {
		l.out.taking = true
		return err
	}
	err := stored()
	switch {
	case err == nil:
		l.landed(p, copies.First)
	case refused(err) && errors.Is(err, bus.ErrStreamFull):
		if err := l.storeCopies(ctx, p.out); err != nil {
			return err
		}
		send.Done(p.out.msgs)
	default:
		l.out.taking = true
		return err
	}
	return l.reach(ctx, "after both")
}

// landed takes in that the copies of a pair are stored.
func (l *Lane) landed(p *pair, first uint64) {
	l.out.opened(p.opens, p.out, first)
	l.count(p.out)
	send.Done(p.out.msgs)
}

// halves are the chains of a pair, and how many messages will be loose in the trail. What they
// bring cannot be removed from now on.
func (l *Lane) halves(ctx context.Context, p *pair) (copies, decisions *bus.Link, loose int, err error) {
	cursor, err := l.out.message(p.opens)
	if err != nil {
		return nil, nil, 0, err
	}
	records, loose, err := l.trail.links(p.trail)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, t := range []*target{l.out, l.trail} {
		if err := t.loosen(ctx); err != nil {
			return nil, nil, 0, err
		}
	}
	copies = &bus.Link{Msgs: append([]event.Message{cursor}, p.out.msgs...), Guard: bus.Guard{Subject: l.out.subject, Last: l.out.last}}
	decisions = &bus.Link{Msgs: records, Guard: bus.Guard{Subject: l.trail.subject, Last: l.trail.last}}
	return copies, decisions, loose, nil
}

// refused tells of an error of Pair that nothing is stored.
func refused(err error) bool { return err != nil && !errors.Is(err, bus.ErrUnclear) }

// recordAlone finds out what the trail has of a pair's decisions, and records the rest if copies may
// stand in OUT. Like every record it is tried until it is there, or ctx ends.
func (l *Lane) recordAlone(ctx context.Context, p *pair, copies bool) error {
	for attempt := 1; ; attempt++ {
		err := l.trail.load(ctx)
		if err == nil {
			err = l.fence(ctx, l.trail.at.Epoch+1)
		}
		if err == nil && copies {
			err = l.complete(ctx, p.opens)
		}
		if err == nil {
			err = l.learn(ctx)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		l.Log.Warn("decisions are not in the trail yet; trying again", zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
}

// opened takes in that a batch was stored behind a cursor of its own, which says where the lane
// stood before.
func (t *target) opened(cursor decision.Cursor, b *batch, first uint64) {
	t.moved(b.cursor, first, first+1, len(b.msgs))
	t.written = cursor
	t.bus.Loose(t.stream, t.in, first+1)
}

// restore records the decisions that the owner before has stored with what they bring, and
// did not get to record: so they are in the trail before anything else is done. It can store
// nothing more. What they bring may be there or not.
func (l *Lane) restore(ctx context.Context) error {
	if err := l.complete(ctx, l.out.at); err != nil {
		return err
	}
	l.out.at.Decided = nil // the next cursor says so
	return nil
}

// complete records the decisions of a cursor in OUT that the trail has not. The trail is fenced.
func (l *Lane) complete(ctx context.Context, c decision.Cursor) error {
	missing, err := missing(c, l.trail.at.Seq)
	if err != nil || len(missing) == 0 {
		return err
	}
	groups, err := trail.Groups(missing)
	if err != nil {
		return err
	}
	at := l.trail.at
	at.Seq, at.Trail = missing[len(missing)-1].Seq, l.trail.last
	b := newBatch(at, messages(groups))
	b.closes = true
	if err := l.persist(ctx, l.trail, b); err != nil {
		return fmt.Errorf("record %d decisions that stood before their copies alone: %w", len(missing), err)
	}
	return nil
}

// missing are the decisions of a cursor in OUT behind what the trail has come to.
func missing(c decision.Cursor, reached uint64) (out []*decision.Decision, err error) {
	if c.Decided == nil || c.Promised() <= reached {
		return nil, nil
	}
	for _, data := range c.Decided.Records {
		ds, err := trail.ReadDecisions(&event.Message{Subject: "out.cursor", Data: data})
		if err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(ds, func(d *decision.Decision) bool { return d.Seq <= reached })...)
	}
	return out, nil
}

// beside has all that the other lane of the organisation has decided in the trail, before this
// one reads that and decides. It may have ended in the middle of a pair; while it is at work
// it does not hold Deciding then.
func (l *Lane) beside(ctx context.Context) error {
	other := bus.EdgeStream(l.Organisation)
	if l.In == other {
		other = bus.InStream(l.Organisation)
	}
	l.Deciding.Lock()
	defer l.Deciding.Unlock()
	return Complete(ctx, l.Bus, other, l.Log)
}

// Complete has all decisions of an in stream that stand in OUT in the trail as well. No lane may
// be about to decide: who has stored them must take over again. It is tried until it is done,
// or ctx ends.
func Complete(ctx context.Context, b *bus.Bus, in string, log *zap.Logger) error {
	l := &Lane{In: in, Bus: b, Log: log}
	l.aim()
	out, _, err := l.out.cursor(ctx)
	if err != nil || out.Decided == nil {
		return err
	}
	at, _, err := l.trail.cursor(ctx)
	if err != nil {
		return err
	}
	reached, err := trail.Reached(ctx, b, bus.Trail, in, at)
	if err != nil || reached >= out.Promised() {
		return err
	}
	log.Warn("decisions stand before their copies alone; they are recorded now", zap.String("in", in), zap.Uint64("from", reached+1), zap.Uint64("to", out.Promised()))
	if err := l.trail.load(ctx); err != nil {
		return err
	}
	if err := l.fence(ctx, l.trail.at.Epoch+1); err != nil {
		return err
	}
	return l.complete(ctx, out)
}
