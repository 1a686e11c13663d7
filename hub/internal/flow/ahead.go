package flow

import (
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// ahead is what can be found out about an event before its turn, while the lane
// still writes what came before it: nothing here depends on other events.
type ahead struct {
	federation *federation.Federation // by which version
	event      *event.Event           // nil: it could not be read
	sender     accept.Sender
	refused    *refusal.Refusal // it could not be read, or is not the sender's
	digest     string           // of the event
	checked    *check.Checked
	invalid    *refusal.Refusal
	fault      bool // of the hub
}

// maxAhead is how large a message may be that is read before its turn, in bytes:
// what was read takes memory while it waits.
const maxAhead = 256 << 10

// lookAhead reads and checks a message of an in stream of organisation org.
func lookAhead(fed *federation.Federation, org string, m *event.Message) *ahead {
	return readAhead(fed, func() (*event.Event, accept.Sender, *refusal.Refusal) { return accept.Accept(fed, org, m) })
}

// readAhead reads an event, and checks it.
func readAhead(fed *federation.Federation, read func() (*event.Event, accept.Sender, *refusal.Refusal)) (a *ahead) {
	a = &ahead{federation: fed}
	defer func() { a.fault = recover() != nil }()
	if a.event, a.sender, a.refused = read(); a.event != nil {
		a.digest = a.event.Digest()
		_ = a.event.Identity()
	}
	switch {
	case a.refused == nil:
		a.checked, a.invalid = check.Check(fed.Schemas, a.event)
	case a.event != nil && a.refused.Code != refusal.SourceNotAllowed && a.refused.Code != refusal.SubjectMismatch:
		a.invalid, a.refused = a.refused, nil // it is the sender's, and has its identity
	}
	return a
}

// aheadOf gives what was found out about m by this version of the federation, or
// finds it out now.
func (f *Decider) aheadOf(org string, m *event.Message) *ahead {
	a, _ := m.Ahead.(*ahead)
	m.Ahead = nil
	if a == nil || a.federation != f.Federation {
		a = lookAhead(f.Federation, org, m)
	}
	return a
}
