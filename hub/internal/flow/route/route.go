// Package route is the third stage: it decides who may know an event. The only
// rules are the agreements (Übermittlungsregeln) of the federation directory;
// no agreement in force, no delivery.
package route

import (
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/schemas"
)

// Question is what routing needs to know of an event.
type Question struct {
	Application string // the sender, <organisation>.<application>
	Authority   string // for which it was sent
	Event       *event.Event
	Schema      *schemas.Schema
	Doc         any // decoded data
	At          time.Time
}

// Route gives the receivers of an event, one copy each, ordered by agreement. None means that no agreement in force applies; which
// agreement was held back by a block is nobody's business and stands nowhere.
func Route(fed *federation.Federation, q Question) []decision.Receiver {
	var out []decision.Receiver
	blocked := len(q.Schema.Blocked(q.Doc)) > 0
	var conditions map[string]any
	for _, c := range fed.Clauses(q.Application, q.Event.Type()) {
		if !c.InForce(q.At) || (blocked && !c.AdmitsSperren()) {
			continue
		}
		if c.NeedsData() && conditions == nil {
			conditions = q.Schema.Conditions(q.Doc)
		}
		// a condition that cannot be evaluated is a no
		if ok, err := c.Admits(q.Authority, q.Event.Attributes, conditions); !ok || err != nil {
			continue
		}
		out = append(out, receiver(c))
	}
	return out
}

func receiver(c *federation.Clause) decision.Receiver {
	return decision.Receiver{
		Application: c.Receiver.ID, Authority: c.ReceiverAuthority,
		Agreement: c.Agreement.ID, Law: c.Agreement.Law, Fields: c.Fields,
	}
}
