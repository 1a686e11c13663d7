package quarantine

import (
	"context"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// judge tells whether what is asked can be done with an event, and makes its mark.
func (c *Clerk) judge(r *Request, it *Item) (*mark, error) {
	mk := &mark{
		Act: r.Act, Seq: r.Seq, Application: it.Application, Code: it.Code, Of: it.Of, ID: it.ID(), Who: r.Who, Reason: r.Reason,
		At: c.Now().UTC().Truncate(time.Millisecond), Bulk: r.bulk, Before: it.Digest,
	}
	if it.Copy && r.Act != decision.ActQuarantineDiscard {
		return nil, &NotDone{Why: OnlyDiscard}
	}
	if r.Act != decision.ActQuarantineDiscard && r.Act != decision.ActQuarantineEdit && c.forgotten(it) {
		return nil, &NotDone{Why: TooOld}
	}
	switch r.Act {
	case decision.ActQuarantineEdit:
		return mk, c.judgeEdit(r, it, mk)
	case decision.ActQuarantineResubmit:
		again := send.Again(it.Original, it.Seq)
		mk.After = it.Digest
		return mk, c.passes(&again)
	case decision.ActQuarantineReturn:
		if c.superseded(it) {
			return nil, &NotDone{Why: Superseded}
		}
	}
	return mk, nil
}

func (c *Clerk) judgeEdit(r *Request, it *Item, mk *mark) error {
	if len(r.Edited) > MaxEdited {
		return &NotDone{Why: TooLarge}
	}
	text := &event.Message{Header: map[string][]string{"Content-Type": {"application/cloudevents+json"}}, Data: r.Edited}
	// what cannot be read at all is told as the gate tells it
	e, refused := accept.DecodeFor(c.Current().Federation.Schemas, text)
	if refused != nil {
		return &NotDone{Why: StillWrong, Violations: []*refusal.Refusal{refused}}
	}
	switch {
	case it.Event != nil && e.Digest() == it.Digest && e.ID() == it.ID() && e.Source() == it.Event.Source():
		return &NotDone{Why: Unchanged}
	case c.keepsIdentity(it) && (e.ID() != it.ID() || e.Source() != it.Event.Source()):
		return &NotDone{Why: Identity}
	case it.Event != nil && e.ID() == it.ID() && e.Source() == it.Event.Source() && c.forgotten(it):
		return &NotDone{Why: TooOld}
	}
	mk.Edited, mk.Type, mk.After = r.Edited, e.Type(), e.Digest()
	again := send.Edited(it.Original, it.Seq, it.Application, mk.Type, r.Edited)
	return c.passes(&again)
}

// keepsIdentity tells whether source and id of an event must stay what they are: then
// the edited one supersedes it, and its sender's own correction is a duplicate.
func (c *Clerk) keepsIdentity(it *Item) bool {
	return it.Event != nil && it.Code != refusal.Conflict && it.Code != refusal.SourceNotAllowed && it.Code != refusal.SubjectMismatch
}

// forgotten tells whether it is not known any more what became of an event's identity: its
// sender may have sent a correction that went out.
func (c *Clerk) forgotten(it *Item) bool {
	nobodys := it.Code == refusal.SourceNotAllowed || it.Code == refusal.SubjectMismatch || it.Code == refusal.AppUnknown || it.Code == refusal.Forged
	if it.Event == nil || it.Copy || nobodys || c.Now().Sub(it.Original.Time) < index.Horizon/2 {
		return false
	}
	_, known := c.Index.Lookup(event.IdentityOf(it.Event.Source(), it.ID()))
	return !known
}

// passes decides about what is to enter again by the rules by which the lane will; nil
// when somebody gets it.
func (c *Clerk) passes(m *event.Message) error {
	if !bus.FitsIn(m) {
		return &NotDone{Why: TooLarge}
	}
	tried := *m
	tried.Stream, tried.Time = bus.EdgeStream(c.Organisation), c.Now()
	fed := c.Current().Federation
	decider := flow.Decider{Federation: fed, Seen: c.Index.Lookup, Now: c.Now}
	d := decider.Decide(c.Organisation, &tried)
	if err := c.Index.Err(); err != nil {
		return err
	}
	switch d.Outcome {
	case hub.Routed:
		return nil
	case hub.Suppressed:
		return &NotDone{Why: Superseded}
	}
	wrong := []*refusal.Refusal{{Code: d.Code, At: d.At, Keyword: d.Keyword}}
	if d.Code == refusal.SchemaInvalid {
		if e, _, _ := accept.Accept(fed, c.Organisation, m); e != nil {
			if all := check.Violations(fed.Schemas, e); len(all) > 0 {
				wrong = all
			}
		}
	}
	return &NotDone{Why: StillWrong, Violations: wrong}
}

// superseded tells whether another event stands in the place of one that rests in
// quarantine.
func (c *Clerk) superseded(it *Item) bool {
	if it.Event == nil || it.Code == refusal.Conflict {
		return false
	}
	seen, known := c.Index.Lookup(event.IdentityOf(it.Event.Source(), it.ID()))
	return known && (seen.Ref != it.Of || !rests(seen.Outcome))
}

// rests tells whether an event with this outcome rests in quarantine.
func rests(o hub.Outcome) bool { return o == hub.Quarantined || o == hub.Unrouted }

// Try tells whether an event would pass now as it is; nil when it would.
func (c *Clerk) Try(ctx context.Context, seq uint64) error {
	m, err := c.Bus.Get(ctx, bus.Quarantine, seq)
	if err != nil {
		return err
	}
	it, ok := Read(m)
	if !ok || it.Organisation() != c.Organisation {
		return &NotDone{Why: Gone}
	}
	_, err = c.judge(&Request{Act: decision.ActQuarantineResubmit, Seq: seq}, it)
	return err
}
