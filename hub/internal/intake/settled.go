package intake

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// settledKey holds the sequence in TRAIL up to which the listener has heard of
// everything; it lies outside the source's own keys.
func (i *Intake) settledKey() string { return "settled." + i.Adapter }

// Tell follows the trail and calls the source's Settled, at least once per
// event, until ctx ends. It returns at once for a source that does not listen.
func (i *Intake) Tell(ctx context.Context) error {
	l, ok := i.Source.(hub.Listener)
	if !ok {
		return nil
	}
	for attempt := 1; ctx.Err() == nil; attempt++ {
		t := &teller{intake: i, listener: l, open: map[uint64]*waiting{}}
		began := time.Now()
		err := t.run(ctx)
		if time.Since(began) > settle.MaxDelay {
			attempt = 1 // it ran well meanwhile
		}
		if err != nil && ctx.Err() == nil {
			i.Log.Warn("telling the source broke off; trying again", zap.Int("attempt", attempt), zap.Error(err))
			settle.Wait(ctx, settle.Backoff(attempt, settle.Jitter()))
		}
	}
	return nil
}

type teller struct {
	intake   *Intake
	listener hub.Listener
	open     map[uint64]*waiting // by sequence in the edge stream
	// The outcome of a copy may stand in the trail before the decision (ADR 0025).
	early   []early
	decides uint64 // up to where decisions were heard
	saved   uint64
}

// maxEarly is how many outcomes may wait for their decision: after a start the ones of older events
// look so too, until the first decision is heard.
const maxEarly = 1024

// early is an outcome whose decision was not heard yet.
type early struct {
	at       uint64 // in TRAIL
	delivery *decision.Delivery
}

// waiting is a routed event some of whose copies are still underway.
type waiting struct {
	at         uint64 // of its decision in TRAIL
	settlement hub.Settlement
	expected   int             // outcomes
	seen       map[string]bool // mailboxes
}

func (t *teller) run(ctx context.Context) error {
	raw, err := t.intake.Store.Get(ctx, t.intake.settledKey())
	if err != nil {
		return err
	}
	if len(raw) > 0 {
		if t.saved, err = strconv.ParseUint(string(raw), 10, 64); err != nil {
			return err
		}
	}
	edge := bus.EdgeStream(t.intake.Application.Organisation)
	filters := []string{"trail.decision." + edge + ".>", "trail.delivery.>"}
	return t.intake.Bus.Follow(ctx, bus.Trail, t.saved+1, filters, func(m *event.Message) error {
		if err := t.hear(ctx, edge, m); err != nil {
			return err
		}
		return t.save(ctx, m.Seq)
	})
}

func (t *teller) hear(ctx context.Context, edge string, m *event.Message) error {
	if decision.Kind(m.Subject) == decision.KindDelivery {
		d, err := trail.ReadDelivery(m)
		if err != nil || d.In != edge {
			return err
		}
		if t.open[d.Seq] == nil && d.Seq > t.decides {
			t.early = append(t.early[max(0, len(t.early)+1-maxEarly):], early{m.Seq, d})
			return nil
		}
		return t.delivered(ctx, d)
	}
	ds, err := trail.ReadDecisions(m)
	for i := 0; i < len(ds) && err == nil; i++ {
		if ds[i].Adapter == t.intake.Adapter {
			err = t.decided(ctx, ds[i], m.Seq)
		}
		err = errors.Join(err, t.caught(ctx, ds[i].Seq))
	}
	return err
}

// caught takes in the outcomes that came before a decision, and forgets those that wait for none.
func (t *teller) caught(ctx context.Context, seq uint64) (err error) {
	t.decides = max(t.decides, seq)
	if len(t.early) == 0 {
		return nil
	}
	for _, e := range t.early {
		if w := t.open[seq]; w != nil && e.delivery.Seq == seq {
			w.at = min(w.at, e.at) // from there it is heard again after a restart
			err = errors.Join(err, t.delivered(ctx, e.delivery))
		}
	}
	t.early = slices.DeleteFunc(t.early, func(e early) bool { return e.delivery.Seq <= t.decides })
	return err
}

func (t *teller) decided(ctx context.Context, d *decision.Decision, at uint64) error {
	if d.Outcome == hub.Parked { // what becomes of it is decided when it is released or returned
		delete(t.open, d.Seq)
		return nil
	}
	s := hub.Settlement{
		EventRef: hub.EventRef{Source: d.Source, ID: d.ID, Type: d.Type},
		Outcome:  d.Outcome, Code: string(d.Code), Copies: len(d.Receivers),
	}
	w := &waiting{at: at, settlement: s, expected: t.recorded(d.Receivers), seen: map[string]bool{}}
	if w.expected == 0 {
		return t.tell(ctx, s)
	}
	t.open[d.Seq] = w
	return nil
}

// recorded counts the receivers whose outcome will be in the trail.
func (t *teller) recorded(receivers []decision.Receiver) (n int) {
	for _, r := range receivers {
		app, ok := t.intake.Federation().Application(r.Application)
		if ok && app.Mailbox != nil && (app.Mailbox.HandedOut() || t.intake.AcksHeard) {
			n++
		}
	}
	return n
}

func (t *teller) delivered(ctx context.Context, d *decision.Delivery) error {
	w := t.open[d.Seq]
	if w == nil || w.seen[d.Mailbox] || d.Result == decision.Parked {
		return nil
	}
	w.seen[d.Mailbox] = true
	if d.Result == decision.Done {
		w.settlement.Done++
	}
	if len(w.seen) < w.expected {
		return nil
	}
	delete(t.open, d.Seq)
	return t.tell(ctx, w.settlement)
}

// tell repeats until the source takes it: what comes after waits.
func (t *teller) tell(ctx context.Context, s hub.Settlement) error {
	for attempt := 1; ; attempt++ {
		err := t.listener.Settled(ctx, s)
		if err == nil || ctx.Err() != nil {
			return err
		}
		t.intake.Log.Warn("source did not take the settlement; trying again", zap.String("id", s.ID), zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), time.Minute))
	}
}

// save moves the place to begin from after a restart: before the oldest event
// that is still open.
func (t *teller) save(ctx context.Context, heard uint64) error {
	place := heard
	for _, w := range t.open {
		place = min(place, w.at-1)
	}
	if len(t.early) > 0 {
		place = min(place, t.early[0].at-1)
	}
	if place < t.saved+saveEvery {
		return nil
	}
	t.saved = place
	return t.intake.Store.Put(ctx, t.intake.settledKey(), []byte(strconv.FormatUint(place, 10)))
}

// saveEvery spares a synced write for every record; after a restart the source
// hears at most so many records again.
const saveEvery = 100
