// Package flow is the way of an event through the hub: accept, check, route,
// send, settle, trail. Decide reads as the diagram of DESIGN §2; Lane is what
// takes events from an in stream and carries decisions out.
package flow

import (
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Version is one version of the federation directory at work: a batch is decided
// and carried out by one, whole.
type Version struct {
	Federation *federation.Federation
	Sender     *send.Sender
}

// NewVersion puts a federation to work.
func NewVersion(fed *federation.Federation) *Version {
	return &Version{fed, send.New(fed.Schemas)}
}

// Decider decides about events. It writes nothing.
type Decider struct {
	Federation *federation.Federation
	// Seen tells what is known of an event identity.
	Seen func(event.Identity) (index.Seen, bool)
	Now  func() time.Time
	// Parked tells whether an event of this key, in message m, must not proceed
	// since its key is parked; nil: all may.
	Parked func(key string, m *event.Message) bool
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
		if d.Application == "" {
			d.Application = org + ".unknown"
		}
		if d.Digest == "" { // no event was read
			d.Digest = digest(m.Data)
		}
	}()

	a := f.aheadOf(org, m)
	e := a.event
	d.Application = a.sender.ID()
	f.receipt(d)
	if e != nil {
		f.describe(d, a)
	}
	switch {
	case a.fault:
		return refuse(d, refusal.At(refusal.Internal, ""))
	case a.refused != nil:
		return refuse(d, a.refused)
	}
	m.Read = e
	before, done := f.repeated(d, e, send.ReadInstead(m))
	if done {
		return d
	}
	if f.Parked != nil && f.Parked(e.Key(), m) {
		return wait(d, e.Key())
	}
	defer func() { suppressIfSame(d, before) }()

	if a.invalid != nil {
		return refuse(d, a.invalid)
	}
	app, _ := f.Federation.Application(d.Application)
	receivers, lost := route.Route(f.Federation, route.Question{
		Application: app, Authority: d.Authority,
		Event: e, Schema: a.checked.Schema, Marked: a.checked.Marked, At: d.Decided,
	})
	switch d.Receivers = receivers; {
	case len(receivers) > 0:
		d.Outcome = hub.Routed
	case lost:
		d.Outcome, d.Code = hub.Unrouted, refusal.AddressUnknown
	default:
		d.Outcome, d.Code = hub.Unrouted, refusal.NoAgreement
	}
	return d
}

func (f *Decider) open(m *event.Message) *decision.Decision {
	d := &decision.Decision{
		In: m.Stream, Seq: m.Seq,
		Federation: f.Federation.Digest, Stored: m.Time.UTC(), Decided: f.Now().UTC(),
	}
	// only the hub's own adapters write to edge streams; elsewhere the header is
	// whatever a sender put there
	if strings.HasPrefix(m.Subject, "edge.") {
		d.Adapter = m.Get(event.HeaderAdapter)
	}
	if ref, stored := send.ReadReleased(m); ref != nil {
		d.Released, d.Stored = ref, stored
	}
	return d
}

// describe takes over what the event says of itself.
func (f *Decider) describe(d *decision.Decision, a *ahead) {
	e := a.event
	d.ID, d.Source, d.Type = e.ID(), e.Source(), e.Type()
	d.Case = e.Attributes.Value(hub.AttrCorrelationID)
	d.Digest = a.digest
	if app, ok := f.Federation.Application(d.Application); ok {
		d.Authority, _ = app.Authority(e.Source())
	}
}

// receipt notes where the sender gets its receipts.
func (f *Decider) receipt(d *decision.Decision) {
	if app, ok := f.Federation.Application(d.Application); ok && app.Receipts != nil {
		d.Receipt = app.Receipts.ID
	}
}

// repeated settles events whose identity is known and done: the same content
// is a duplicate, other content a conflict. An event that rests in quarantine is
// decided anew, whether corrected or not: what kept it out may be mended. instead is
// the one that a steward sends it in the place of; nil when its sender has sent it.
func (f *Decider) repeated(d *decision.Decision, e *event.Event, instead *decision.Ref) (before *index.Seen, done bool) {
	found, known := f.Seen(e.Identity())
	if !known {
		return nil, false
	}
	seen := found // which needs memory of its own
	d.Of = &decision.Ref{In: seen.Ref.In, Seq: seen.Ref.Seq}
	if instead != nil {
		// a steward sends it again in the place of one that rests in quarantine: if that
		// is no longer what is known, something has come in its place already
		if done = seen.Ref != *instead; done {
			suppress(d)
		}
		return nil, done
	}
	switch {
	case seen.Outcome == hub.Quarantined || seen.Outcome == hub.Unrouted:
		return &seen, false
	case seen.Outcome == hub.Parked && d.Released != nil && *d.Released == seen.Ref:
		return nil, false // it is the one that was parked
	case seen.Digest == d.Digest || seen.Conflict == d.Digest:
		suppress(d)
	default:
		refuse(d, refusal.At(refusal.Conflict, event.AttrID))
	}
	return &seen, true
}

// suppressIfSame makes a decision that says of the same content what the
// earlier one said a duplicate: it rests in quarantine already.
func suppressIfSame(d *decision.Decision, before *index.Seen) {
	if before != nil && d.Digest == before.Digest && d.Outcome == before.Outcome && d.Code == before.Code {
		suppress(d)
	}
}

// suppress: nothing is delivered again, not even the receipt.
func suppress(d *decision.Decision) {
	d.Outcome, d.Code, d.At, d.Keyword, d.Receipt = hub.Suppressed, "", "", "", ""
}

func refuse(d *decision.Decision, r *refusal.Refusal) *decision.Decision {
	d.Outcome, d.Code, d.At, d.Keyword, d.Receivers = hub.Quarantined, r.Code, r.At, r.Keyword, nil
	return d
}
