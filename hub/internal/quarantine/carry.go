package quarantine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// carry does what is left of an act: its record, its effect, the end of the event's rest
// in QUARANTINE, the end of the mark. ended is false while the event may not leave yet,
// and with an error.
func (c *Clerk) carry(ctx context.Context, mk *mark) (ended bool, err error) {
	c.acting.Lock()
	defer c.acting.Unlock()
	if c.isOver(mk) {
		return true, nil
	}
	m, err := c.Bus.Get(ctx, bus.Quarantine, mk.Seq)
	if err != nil {
		return false, err
	}
	it, lies := Read(m)
	recorded, err := c.Bus.Last(ctx, bus.Trail, mk.record(false).Subject())
	if err != nil {
		return false, err
	}
	switch {
	case !lies && recorded == nil: // somebody was sooner, between the look and the mark
		if err := c.unmark(ctx, mk); err != nil {
			return false, err
		}
		return true, &NotDone{Why: Gone}
	case !lies:
		return true, c.hasLeft(ctx, mk, recorded)
	case recorded == nil:
		err := c.record(ctx, mk, it)
		if errors.Is(err, errSuperseded) {
			return true, errors.Join(&NotDone{Why: Superseded}, c.unmark(ctx, mk))
		}
		if err := errors.Join(err, c.reach("recorded")); err != nil {
			return false, err
		}
	}
	if err := c.effect(ctx, mk, it, m); err != nil {
		return false, err
	}
	if it.moved && !c.Bus.Covered(bus.Quarantine, it.Of.In, mk.Seq) {
		return false, nil // a take-over would miss it and store it again
	}
	if err := c.leave(ctx, mk); err != nil {
		return false, err
	}
	return true, c.unmark(ctx, mk)
}

// hasLeft ends an act whose event is not there any more: a crash came between, or somebody
// else has had the same act done before this one was marked.
func (c *Clerk) hasLeft(ctx context.Context, mk *mark, recorded *event.Message) error {
	act, err := trail.ReadAct(recorded)
	if err != nil {
		return err
	}
	if err := errors.Join(c.forgetWork(ctx, mk.Seq), c.unmark(ctx, mk)); err != nil {
		return err
	}
	if act.Who != mk.Who || act.Cleared == nil || act.After != prefixed(mk.After) {
		return &NotDone{Why: Gone}
	}
	return nil
}

// errSuperseded: what is to go back to its sender has been sent anew since it was judged.
var errSuperseded = errors.New("another event stands in its place")

func (c *Clerk) isOver(mk *mark) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open != nil && c.open[mk.Seq] != mk
}

// record writes the act to the trail, once, and with it the decision by which the event
// has its end, if the act gives it one: a later event of its identity is then no
// duplicate of what rests nowhere.
func (c *Clerk) record(ctx context.Context, mk *mark, it *Item) error {
	c.Deciding.Lock()
	defer c.Deciding.Unlock()
	if mk.Act == decision.ActQuarantineReturn && c.superseded(it) {
		return errSuperseded
	}
	var ds []*decision.Decision
	if d := c.endOf(mk, it); d != nil {
		ds = append(ds, d)
	}
	if err := c.Index.Err(); err != nil {
		return err
	}
	act, err := trail.Act(mk.record(len(ds) > 0))
	if err != nil {
		return err
	}
	records, err := trail.Decisions(ds)
	if err != nil {
		return err
	}
	first, err := c.Bus.Append(ctx, append([]event.Message{act}, records...), 0)
	if err != nil {
		if first, err = c.find(ctx, act.Subject, err); err != nil {
			return fmt.Errorf("record an act on an event in quarantine: %w", err)
		}
	}
	c.Index.Reached(first, first)
	for i, d := range ds {
		c.Index.Decided(first+1+uint64(i), d)
		c.Decided(d)
	}
	return nil
}

// find settles an unknown outcome by one read. Until that is there nobody may decide
// about the event, so it goes on for as long as the server cannot be asked.
func (c *Clerk) find(ctx context.Context, subject string, because error) (uint64, error) {
	for {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), bus.Timeout)
		m, err := c.Bus.Last(asking, bus.Trail, subject)
		cancel()
		switch {
		case err == nil && m == nil:
			return 0, because
		case err == nil:
			return m.Seq, nil
		}
		select {
		case <-c.ended:
			return 0, errors.Join(because, err)
		case <-time.After(glance):
		}
	}
}

// endOf makes the decision by which an event has its end; nil when the act gives it none,
// or it is not the one that is known of its identity. Deciding is held.
func (c *Clerk) endOf(mk *mark, it *Item) *decision.Decision {
	code := map[string]refusal.Code{decision.ActQuarantineReturn: refusal.Returned, decision.ActQuarantineDiscard: refusal.Discarded}[mk.Act]
	if code == "" || it.Copy || it.Event == nil {
		return nil
	}
	seen, known := c.Index.Lookup(event.IdentityOf(it.Event.Source(), it.ID()))
	if !known || seen.Ref != it.Of || !rests(seen.Outcome) || it.Code == refusal.Conflict {
		return nil
	}
	return c.decision(mk, it, code)
}

func (c *Clerk) decision(mk *mark, it *Item, code refusal.Code) *decision.Decision {
	d := &decision.Decision{
		In: it.Of.In, Seq: it.Of.Seq, Application: it.Application, Digest: it.Digest, Outcome: hub.Quarantined, Code: code,
		Stored: it.Original.Time.UTC(), Decided: mk.At,
	}
	if e := it.Event; e != nil {
		d.ID, d.Source, d.Type, d.Case = e.ID(), e.Source(), e.Type(), e.Attributes.Value(hub.AttrCorrelationID)
	}
	return d
}

// effect does what the act says. It can be repeated: what enters again is suppressed as
// the second of its kind (flow.Decider), the rest is stored under guards.
func (c *Clerk) effect(ctx context.Context, mk *mark, it *Item, m *event.Message) error {
	if mk.acted {
		return nil
	}
	var err error
	switch mk.Act {
	case decision.ActQuarantineResubmit:
		err = c.enter(ctx, send.Again(it.Original, it.Seq))
	case decision.ActQuarantineEdit:
		if err = c.keep(ctx, mk, m); err == nil {
			err = c.enter(ctx, send.Edited(it.Original, it.Seq, it.Application, mk.Type, mk.Edited))
		}
	case decision.ActQuarantineReturn:
		err = c.tell(ctx, mk, it)
	}
	if err != nil {
		return err
	}
	mk.acted = true
	return c.reach("acted")
}

func (c *Clerk) enter(ctx context.Context, m event.Message) error {
	if _, err := c.Bus.AppendUnguarded(ctx, []event.Message{m}); err != nil {
		return fmt.Errorf("send an event from quarantine again: %w", err)
	}
	return nil
}

// tell stores the receipt of an event that goes back, once: its subject is its own.
func (c *Clerk) tell(ctx context.Context, mk *mark, it *Item) error {
	app, ok := c.Current().Federation.Application(it.Application)
	if !ok || app.Receipts == nil {
		return nil
	}
	d := c.decision(mk, it, refusal.Returned)
	d.Receipt = app.Receipts.ID
	if _, err := c.Bus.Append(ctx, []event.Message{send.GivenBack(d, it.Event, mk.Reason)}, 0); err != nil && !errors.Is(err, bus.ErrFenced) {
		return fmt.Errorf("tell the sender of an event that goes back: %w", err)
	}
	return nil
}

// leave takes the event out of QUARANTINE, and with it what was noted about it.
func (c *Clerk) leave(ctx context.Context, mk *mark) error {
	if err := c.Bus.Delete(ctx, bus.Quarantine, mk.Seq); err != nil {
		return err
	}
	if err := c.reach("left"); err != nil {
		return err
	}
	return c.forgetWork(ctx, mk.Seq)
}

// forgetWork removes what was noted about an event; again, after a crash.
func (c *Clerk) forgetWork(ctx context.Context, seq uint64) error {
	if c.Store == nil {
		return nil
	}
	return c.Store.Delete(ctx, workKey(WorkOfEvent(seq)))
}

func (c *Clerk) unmark(ctx context.Context, mk *mark) error {
	if err := c.Bus.Purge(ctx, bus.Quarantine, mk.subject(), mk.lies); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[mk.Seq] == mk {
		delete(c.open, mk.Seq)
	}
	return nil
}
