// Package who answers "who would get this, and why not?" with the code that
// routes: for an event in hand (Ask), for an event that was decided (Recall), and
// for the examples of a federation directory (Try).
package who

import (
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// Answer says who gets an event and who does not.
type Answer struct {
	// Event attributes, as far as they could be read.
	Source, ID, Type string
	Sender           *federation.Application // nil: nobody owns the source
	Authority        string                  // for which it is sent
	At               time.Time
	// Refusal is why the event is refused before any agreement is asked; nil if
	// it is not.
	Refusal *refusal.Refusal
	Schema  *schemas.Schema
	// Blocks that are set in the data; filled by Ask only.
	Blocks []string
	// Receivers, ordered by agreement.
	Receivers []Receiver
	// Others are all other applications, by name, each with the first reason why
	// not.
	Others []Other
}

// Receiver is one copy.
type Receiver struct {
	Application *federation.Application
	Authority   string
	Clause      *federation.Clause
	// Fields that it gets, and that are cut: leaves of the schema, by Ask only
	// those that the event has.
	Fields, Cut []string
}

// Other is an application that gets nothing, and the first reason.
type Other struct {
	Application *federation.Application
	// Clause that was asked; nil when no agreement is about this sender, type and
	// receiver.
	Clause  *federation.Clause
	Verdict route.Verdict
	// Content tells that the reason may lie in the data, so that it is not said.
	Content bool
}

// Verdicts beyond those of routing.
const (
	NoClause route.Verdict = "no-agreement" // no agreement with this sender, authority and type names it
	Another  route.Verdict = "other-member" // the address names another member of the group
)

// Ask tells who would get an event in the JSON format of CloudEvents that comes at
// a time.
func Ask(fed *federation.Federation, raw []byte, at time.Time) *Answer {
	m := &event.Message{Data: raw, Header: map[string][]string{"Content-Type": {"application/cloudevents+json"}}, Time: at}
	a := &Answer{At: at}
	e, r := accept.Decode(m)
	if r != nil {
		a.Refusal = r
		return a
	}
	a.Source, a.ID, a.Type = e.Source(), e.ID(), e.Type()
	var owned bool
	if a.Sender, a.Authority, owned = fed.Owner(a.Source); !owned {
		a.Refusal = refusal.At(refusal.SourceNotAllowed, event.AttrSource)
		return a
	}
	checked, r := check.Check(fed.Schemas, e)
	if r != nil {
		a.Refusal = r
		return a
	}
	a.Schema, a.Blocks = checked.Schema, checked.Schema.Blocked(checked.Marked)
	data, r := check.Data(e)
	if r != nil {
		a.Refusal = r
		return a
	}
	others := newOthers(fed)
	route.Consider(fed, route.Question{
		Application: a.Sender, Authority: a.Authority, Event: e, Schema: checked.Schema, Marked: checked.Marked, At: at,
	}, func(c route.Considered) {
		if c.Verdict == route.Goes {
			a.Receivers = append(a.Receivers, received(c, checked.Schema, func(pointer string) bool { return present(data, pointer) }))
			others.got(c)
			return
		}
		others.asked(c, false)
	})
	a.Others = others.list()
	return a
}

// Recall tells who got an event that was decided under fed, and why others did
// not, as far as that does not lie in the data: the data is not looked at, and
// whether a block was the reason is nobody's business but the sender's.
func Recall(fed *federation.Federation, d *decision.Decision) *Answer {
	a := &Answer{Source: d.Source, ID: d.ID, Type: d.Type, Authority: d.Authority, At: d.Decided}
	a.Sender, _ = fed.Application(d.Application)
	a.Schema, _ = fed.Schemas.Lookup(d.Type)
	if a.Sender == nil || a.Schema == nil {
		return a
	}
	others := newOthers(fed)
	own, ofGroups := fed.Clauses(d.Application, d.Type, d.Authority)
	for _, c := range slices.Concat(own, ofGroups) {
		a.recall(d, c, others)
	}
	a.Others = others.list()
	return a
}

func (a *Answer) recall(d *decision.Decision, c *federation.Clause, others *others) {
	considered := route.Considered{Clause: c, Receiver: c.Receiver, Authority: c.ReceiverAuthority}
	switch {
	case !c.Sends(a.Sender, a.Authority):
		considered.Verdict = route.OtherSender
	case !c.InForce(d.Decided):
		considered.Verdict = route.NotInForce
	}
	if considered.Verdict != "" {
		others.asked(considered, false)
		return
	}
	for _, r := range d.Receivers {
		app := others.fed(r.Application)
		if r.Agreement == c.Agreement.ID && app != nil && (c.Receiver == app || c.ToGroup != nil && c.ToGroup.Has(app, r.Authority)) {
			considered.Verdict, considered.Receiver, considered.Authority = route.Goes, app, r.Authority
			a.Receivers = append(a.Receivers, received(considered, a.Schema, func(string) bool { return true }))
			others.got(considered)
			return
		}
	}
	others.asked(considered, true)
}

// received lists the fields of a copy.
func received(c route.Considered, s *schemas.Schema, has func(pointer string) bool) Receiver {
	r := Receiver{Application: c.Receiver, Authority: c.Authority, Clause: c.Clause}
	for _, f := range s.Fields() {
		if !f.Leaf || !has(f.Pointer) {
			continue
		}
		if c.Clause.Cut == nil || disclose.Covered(c.Clause.Fields, f.Pointer) {
			r.Fields = append(r.Fields, f.Pointer)
		} else {
			r.Cut = append(r.Cut, f.Pointer)
		}
	}
	return r
}

// present tells whether data has a field; a pointer through an array means any
// item.
func present(v any, pointer string) bool {
	if pointer == "" {
		return v != nil
	}
	if list, ok := v.([]any); ok {
		return slices.ContainsFunc(list, func(item any) bool { return present(item, pointer) })
	}
	object, ok := v.(map[string]any)
	if !ok {
		return false
	}
	name, rest, _ := strings.Cut(pointer[1:], "/")
	if rest != "" {
		rest = "/" + rest
	}
	member, ok := object[strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")]
	return ok && (rest == "" || present(member, rest))
}
