// Package route is the third stage: it decides who may know an event. The only
// rules are the agreements (Übermittlungsregeln) of the federation directory;
// no agreement in force, no delivery. Consider asks every agreement and tells
// the first reason why one does not apply; Route, and the command who, are made
// of it.
package route

import (
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/where"
	"github.com/amtsbote/amtsbote/schemas"
)

// Question is what routing needs to know of an event.
type Question struct {
	Application *federation.Application // the sender
	Authority   string                  // for which it was sent
	Event       *event.Event
	Schema      *schemas.Schema
	Marked      any // decoded data, at least what the schema's marks are about
	At          time.Time
}

// Verdict is what a clause says to an event: that it goes, or the first reason
// why not, in the order of the constants.
type Verdict string

// The verdicts.
const (
	Goes        Verdict = "goes"
	OtherSender Verdict = "other-sender"   // the sender is no member of the group
	NotInForce  Verdict = "not-in-force"   // on this day
	Blocked     Verdict = "block"          // a block is set that the agreement does not let pass
	Classified  Verdict = "classification" // the event is classified higher than the agreement or receiver
	WhereFalse  Verdict = "where"          // the condition does not hold
	WhereFailed Verdict = "where-failed"   // the condition could not be evaluated: a no
	NoAddressee Verdict = "address"        // the address names nobody to whom it may go
	HasIt       Verdict = "has-it"         // the receiver gets it by an earlier agreement
)

// Considered is a clause that was asked. Receiver and Authority are set where it
// is known who would receive.
type Considered struct {
	Clause    *federation.Clause
	Verdict   Verdict
	Receiver  *federation.Application
	Authority string
}

// Route gives the receivers of an event, one copy each, ordered by agreement. None
// means that no agreement in force applies; which agreement was held back by a
// block is nobody's business and stands nowhere. lost tells that an agreement
// applied but its address named nobody.
func Route(fed *federation.Federation, q Question) (out []decision.Receiver, lost bool) {
	Consider(fed, q, func(c Considered) {
		switch c.Verdict {
		case Goes:
			out = append(out, decision.Receiver{
				Application: c.Receiver.ID, Authority: c.Authority,
				Agreement: c.Clause.Agreement.ID, Law: c.Clause.Agreement.Law.Key, Fields: c.Clause.Fields,
				Expires: expires(c.Clause.Agreement, q.At), Confirm: c.Clause.Agreement.Confirms(),
			})
		case NoAddressee:
			lost = true
		}
	})
	return out, lost
}

// expires is when a copy that goes now is taken out undelivered; zero is never.
func expires(a *federation.Agreement, now time.Time) time.Time {
	if a.Retain == 0 {
		return time.Time{}
	}
	return now.UTC().Add(a.Retain)
}

// Consider asks every clause about what the sender sends of this type for this
// authority, ordered by agreement.
func Consider(fed *federation.Federation, q Question, visit func(Considered)) {
	own, ofGroups := fed.Clauses(q.Application.ID, q.Event.Type(), q.Authority)
	var room [8]*federation.Application
	a := asker{
		has:      room[:0],
		Question: q, blocks: q.Schema.Blocked(q.Marked),
		level: federation.ClassificationOf(q.Event.Attributes.Value(hub.AttrDataClassification)),
	}
	for len(own)+len(ofGroups) > 0 {
		var c *federation.Clause
		if len(ofGroups) == 0 || len(own) > 0 && own[0].Agreement.ID <= ofGroups[0].Agreement.ID {
			c, own = own[0], own[1:]
		} else {
			c, ofGroups = ofGroups[0], ofGroups[1:]
		}
		visit(a.ask(c))
	}
}

// asker is one question with what all clauses need.
type asker struct {
	Question
	blocks []string
	level  federation.Classification
	facts  *where.Facts              // made when the first condition asks
	has    []*federation.Application // receivers so far
}

func (a *asker) ask(c *federation.Clause) Considered {
	out := Considered{Clause: c, Verdict: a.verdict(c), Receiver: c.Receiver, Authority: c.ReceiverAuthority}
	if out.Verdict != Goes {
		return out
	}
	to, authority, ok := c.Resolve(a.Authority, a.Event.Attributes, a.Schema, a.Marked)
	if !ok {
		out.Verdict = NoAddressee
		return out
	}
	out.Receiver, out.Authority = to, authority
	switch {
	case a.level > to.Classification:
		out.Verdict = Classified
	case slices.Contains(a.has, to):
		out.Verdict = HasIt
	default:
		a.has = append(a.has, to)
	}
	return out
}

// verdict asks all but the address.
func (a *asker) verdict(c *federation.Clause) Verdict {
	switch {
	case !c.Sends(a.Application, a.Authority):
		return OtherSender
	case !c.InForce(a.At):
		return NotInForce
	case !c.AdmitsSperren(a.blocks):
		return Blocked
	case a.level > c.Agreement.Classification:
		return Classified
	}
	if c.Where() == nil {
		return Goes
	}
	if a.facts == nil {
		a.facts = where.FactsOf(a.Event.Attributes, a.Schema.Bedingungen, a.Schema.Conditions(a.Marked))
	}
	switch ok, err := c.Where().Holds(a.facts); {
	case err != nil:
		return WhereFailed
	case !ok:
		return WhereFalse
	}
	return Goes
}
