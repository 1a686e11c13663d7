package flow

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// park makes d a decision that its event waits.
func park(d *decision.Decision, key string, code refusal.Code) *decision.Decision {
	d.Outcome, d.Code, d.At, d.Keyword, d.Receivers = hub.Parked, code, "", "", nil
	d.Key = event.KeyToken(key)
	return d
}

// wait keeps an event of a parked key from going on. One that was released, but
// not in the round underway, is a second one of the event that is parked.
func wait(d *decision.Decision, key string) *decision.Decision {
	if d.Released == nil {
		return park(d, key, refusal.Behind)
	}
	d.Outcome, d.Of = hub.Suppressed, d.Released
	return d
}

// route makes the copies of a routed event. One that cannot be carried out, or
// whose key cannot proceed, is parked instead: that is a decision of its own,
// recorded before anything is stored.
func (l *Lane) route(w *work, d *decision.Decision, m *event.Message, made made) error {
	e, err := l.read(d, m)
	if err != nil {
		return err
	}
	if l.Parking.stops(e.Key(), d) {
		return l.instead(w, d, e, refusal.Behind)
	}
	out, err := made.copies, made.err
	if out == nil && err == nil {
		out, err = l.copies(d, e)
	}
	if err == nil {
		w.copies = append(w.copies, load{d.Seq, out})
		return nil
	}
	if len(w.copies) == 0 && l.out.at.Part > 0 {
		return err // some of its copies are stored: parked, they would come again
	}
	code := refusal.NotCarriedOut
	if errors.Is(err, send.ErrSchemaGone) {
		code = refusal.SchemaGone
	}
	l.Log.Error("a decision cannot be carried out; its key is parked, all others go on",
		zap.Uint64("seq", d.Seq), zap.String("id", d.ID), zap.String("key", event.KeyToken(e.Key())), zap.String("code", string(code)), zap.Error(err))
	return l.instead(w, d, e, code)
}

// instead parks an event that was decided to go.
func (l *Lane) instead(w *work, d *decision.Decision, e *event.Event, code refusal.Code) error {
	amended := *d
	park(&amended, e.Key(), code)
	amended.Decided = time.Now().UTC()
	if !l.Parking.has(amended.Key) {
		amended.Released = nil // nothing of it is parked: it must be stored
	}
	l.Parking.stop(&amended)
	w.amended = append(w.amended, &amended)
	return l.setAside(w, &amended, e.Message)
}

// setAside brings a parked event to PARKED; one that stays lies there.
func (l *Lane) setAside(w *work, d *decision.Decision, m *event.Message) error {
	if d.Stays() || d.Seq <= l.parked.at.Seq {
		return nil
	}
	e, err := l.read(d, m)
	if err != nil {
		return err
	}
	l.Parking.stop(d)
	w.parked = append(w.parked, load{d.Seq, []event.Message{send.Parked(d, e)}})
	return nil
}

// amend records that events which were decided to go are parked, behind the
// trail's cursor, which stays where it is.
func (l *Lane) amend(ctx context.Context, ds []*decision.Decision) error {
	if len(ds) == 0 {
		return nil
	}
	groups, err := trail.Singles(ds)
	if err != nil {
		return err
	}
	l.Deciding.Lock()
	defer l.Deciding.Unlock()
	if err := l.persist(ctx, l.trail, newBatch(l.trail.at, messages(groups))); err != nil {
		return err
	}
	l.tell(groups)
	return nil
}
