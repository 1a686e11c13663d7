// Package flow is the way of an event through the hub: accept, check, route,
// send, settle, trail. Decide reads as the diagram of DESIGN §2; Lane is what
// takes events from an in stream and carries decisions out.
package flow

import (
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Decider decides about events. It writes nothing.
type Decider struct {
	Federation *federation.Federation
	// Seen tells what is known of an event identity.
	Seen func(event.Identity) (index.Seen, bool)
	Now  func() time.Time
}

// Decide is the way of one event, from the message in the in stream of
// organisation org to the decision that will be recorded and carried out. A
// fault of the hub itself costs only this event.
func (f *Decider) Decide(org string, m *event.Message) (d *decision.Decision) {
	d = f.open(m)
	defer func() {
		if recover() != nil {
			refuse(d, refusal.At(refusal.Internal, ""))
		}
	}()

	e, sender, r := accept.Accept(f.Federation, org, m)
	d.Application = sender.ID()
	if r != nil {
		return refuse(d, r)
	}
	f.describe(d, e)

	if f.repeated(d, e) {
		return d
	}
	checked, r := check.Check(f.Federation.Schemas, e)
	if r != nil {
		return refuse(d, r)
	}
	d.Receivers = route.Route(f.Federation, route.Question{
		Application: d.Application, Authority: d.Authority,
		Event: e, Schema: checked.Schema, Doc: checked.Doc, At: d.Decided,
	})
	if len(d.Receivers) == 0 {
		d.Outcome, d.Code = hub.Unrouted, refusal.NoAgreement
		return d
	}
	d.Outcome = hub.Routed
	return d
}

func (f *Decider) open(m *event.Message) *decision.Decision {
	return &decision.Decision{
		In: m.Stream, Seq: m.Seq, Adapter: m.Get(event.HeaderAdapter), Digest: digest(m.Data),
		Federation: f.Federation.Digest, Stored: m.Time.UTC(), Decided: f.Now().UTC(),
	}
}

// describe takes over what the event says of itself.
func (f *Decider) describe(d *decision.Decision, e *event.Event) {
	d.ID, d.Source, d.Type = e.ID(), e.Source(), e.Type()
	d.Case = e.Attributes[hub.AttrCorrelationID]
	d.Digest = e.Digest()
	if app, ok := f.Federation.Application(d.Application); ok {
		d.Authority, _ = app.Authority(e.Source())
	}
}

// repeated settles events whose identity is known: the same content is a
// duplicate, other content a conflict, unless the earlier one was refused for
// its content: then this one is its correction and supersedes it.
func (f *Decider) repeated(d *decision.Decision, e *event.Event) bool {
	before, known := f.Seen(event.IdentityOf(e.Source(), e.ID()))
	if !known {
		return false
	}
	d.Of = &decision.Ref{In: before.Ref.In, Seq: before.Ref.Seq}
	switch {
	case before.Digest == d.Digest || before.Conflict == d.Digest:
		d.Outcome = hub.Suppressed
		return true
	case before.Outcome == hub.Quarantined || before.Outcome == hub.Unrouted:
		return false
	}
	refuse(d, refusal.At(refusal.Conflict, event.AttrID))
	return true
}

func refuse(d *decision.Decision, r *refusal.Refusal) *decision.Decision {
	d.Outcome, d.Code, d.At, d.Keyword, d.Receivers = hub.Quarantined, r.Code, r.At, r.Keyword, nil
	return d
}
