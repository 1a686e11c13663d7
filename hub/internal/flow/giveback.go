package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// giveBack brings the first parked events of a key to their end: in the trail,
// in quarantine, gone. Each step can be repeated.
func (p *Parking) giveBack(ctx context.Context, token string, k *heldKey) (ended bool, err error) {
	page, back, ended, err := p.recordReturn(ctx, token, k)
	if err != nil || ended {
		return ended, err
	}
	if len(page) == 0 {
		return false, p.more(ctx, k)
	}
	p.reach("returned")
	for _, r := range back {
		m := send.Quarantined(r.decision, r.message)
		m.Subject = fmt.Sprintf("%s.%s-%d", m.Subject, r.decision.In, r.decision.Seq)
		if _, err := p.Bus.Append(ctx, []event.Message{m}, 0); err != nil && !errors.Is(err, bus.ErrFenced) {
			return false, err // fenced: it lies there already
		}
		if err := p.tellSender(ctx, r); err != nil {
			return false, err
		}
	}
	p.reach("quarantined")
	if err := p.remove(ctx, token, page); err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if k.waits != nil {
		k.waits.returned += len(back)
	}
	return false, nil
}

// tellSender stores the receipt of an event that goes back, once: its subject is
// its own.
func (p *Parking) tellSender(ctx context.Context, r returned) error {
	if p.Current == nil {
		return nil
	}
	v := p.Current()
	app, ok := v.Federation.Application(r.decision.Application)
	if !ok || app.Receipts == nil {
		return nil
	}
	d := *r.decision
	d.Receipt = app.Receipts.ID
	e, refused := accept.Decode(r.message)
	if refused != nil {
		e = nil
	}
	m := v.Sender.Receipt(&d, e)
	m.Subject = fmt.Sprintf("%s.%s-%d", m.Subject, d.In, d.Seq)
	if _, err := p.Bus.Append(ctx, []event.Message{m}, 0); err != nil && !errors.Is(err, bus.ErrFenced) {
		return err
	}
	return nil
}

// returned is an event that goes back, as it lay in its in stream.
type returned struct {
	decision *decision.Decision
	message  *event.Message
}

// recordReturn records the end of the first parked events of a key, but for
// those that a release has brought to theirs.
func (p *Parking) recordReturn(ctx context.Context, token string, k *heldKey) (page []*event.Message, back []returned, ended bool, err error) {
	p.Deciding.Lock()
	defer p.Deciding.Unlock()
	if page, err = p.Bus.Page(ctx, bus.Parked, p.filter(token).Subject(), 0, roundSize); err != nil {
		return nil, nil, false, err
	}
	if len(page) == 0 {
		ended, err = p.free(ctx, token, k)
		return nil, nil, ended, err
	}
	var fresh []*decision.Decision
	for _, m := range page {
		r, err := p.returned(m)
		if err != nil {
			return nil, nil, false, err
		}
		seen, known := p.Index.Lookup(event.IdentityOf(r.decision.Source, r.decision.ID))
		recorded := known && seen.Code == refusal.Returned && seen.Ref == r.decision.Place()
		if known && seen.Outcome != hub.Parked && seen.Code != refusal.Returned && seen.Digest == r.decision.Digest {
			continue
		}
		back = append(back, r)
		if !recorded {
			fresh = append(fresh, r.decision)
		}
	}
	if err := p.Index.Err(); err != nil {
		return nil, nil, false, err
	}
	if len(fresh) == 0 {
		return page, back, false, nil
	}
	records, err := trail.Decisions(fresh)
	if err != nil {
		return nil, nil, false, err
	}
	first, err := p.Bus.AppendUnguarded(ctx, records)
	if err != nil {
		return nil, nil, false, fmt.Errorf("record %d returned events: %w", len(fresh), err)
	}
	for i, d := range fresh {
		p.Index.Decided(first+uint64(i), d)
		p.Decided(d)
	}
	return page, back, false, nil
}

// returned makes the decision by which a parked event goes back.
func (p *Parking) returned(m *event.Message) (returned, error) {
	original, err := send.Unparked(m)
	if err != nil {
		return returned{}, err
	}
	key, _, _ := decision.ReadParked(m.Subject)
	d := &decision.Decision{
		In: original.Stream, Seq: original.Seq, Application: key.Application, Adapter: m.Get(event.HeaderAdapter),
		Digest: digest(m.Data), Outcome: hub.Quarantined, Code: refusal.Returned, Key: key.Token,
		Stored: original.Time, Decided: time.Now().UTC(),
	}
	if e, r := accept.Decode(original); r == nil {
		d.ID, d.Source, d.Type, d.Digest = e.ID(), e.Source(), e.Type(), e.Digest()
		d.Case = e.Attributes.Value(hub.AttrCorrelationID)
	}
	return returned{d, original}, nil
}
