package flow

import (
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Verdict is what would be decided about an event that is not stored yet.
type Verdict struct {
	*decision.Decision
	// Event is nil when it could not be read.
	Event *event.Event
	// Before is what is known of its identity; nil: nothing.
	Before *index.Seen

	fed *federation.Federation
}

// Door judges a message that application app hands in, by the rules by which the lane
// will decide once it is stored; what happens in between may make a difference. The
// message gets stream, subject and time.
func (f *Decider) Door(app *federation.Application, m *event.Message) *Verdict {
	v := &Verdict{fed: f.Federation}
	m.Stream, m.Time = bus.EdgeStream(app.Organisation), f.Now()
	a := readAhead(f.Federation, func() (*event.Event, accept.Sender, *refusal.Refusal) { return accept.From(f.Federation, app, m) })
	if a.fault {
		a.sender = accept.Sender{Organisation: app.Organisation, Application: app.Name}
	}
	m.Ahead, v.Event = a, a.event
	watched := *f
	watched.Seen = func(id event.Identity) (index.Seen, bool) {
		seen, ok := f.Seen(id)
		if ok {
			v.Before = &seen
		}
		return seen, ok
	}
	v.Decision = watched.Decide(app.Organisation, m)
	return v
}

// Waits tells whether the event rests in quarantine already, with the same content:
// it was suppressed, but that is no good news to the sender.
func (v *Verdict) Waits() bool {
	return v.Outcome == hub.Suppressed && v.Before != nil && (v.Before.Outcome == hub.Quarantined || v.Before.Outcome == hub.Unrouted)
}

// Violations are all reasons for which the event may not pass: each broken rule of
// its schema, or the one reason that there is.
func (v *Verdict) Violations() []*refusal.Refusal {
	code := v.Code
	if v.Waits() {
		code = v.Before.Code
	}
	if code == refusal.SchemaInvalid && v.Event != nil {
		if all := check.Violations(v.fed.Schemas, v.Event); len(all) > 0 {
			return all
		}
	}
	return []*refusal.Refusal{{Code: code, At: v.At, Keyword: v.Keyword}}
}
