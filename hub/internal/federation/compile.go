package federation

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/recht"
)

// compile turns an agreement without errors of its own into clauses.
func (b *builder) compile(d *draft) {
	if d.agreement.Law == nil {
		return // has its finding
	}
	for _, from := range d.senders {
		for _, t := range d.kinds {
			b.untold(from, t)
			for _, to := range d.receivers {
				b.clause(d, from, t, to)
			}
		}
	}
}

func (b *builder) clause(d *draft, from side, t draftType, to side) {
	c := &Clause{
		Agreement: d.agreement, Type: t.schema.Type, From: from.authority, FromGroup: from.group,
		Receiver: to.app, ReceiverAuthority: to.authority, ToGroup: to.group,
		DataSchema: t.schema.ID, where: d.where, fed: b.fed,
		law: (from.group != nil || to.group != nil) && d.agreement.Law.Transfer != recht.Any,
	}
	if t.plan.cut != nil {
		c.Cut, c.Fields, c.DataSchema = t.plan.cut, t.plan.cut.Fields(), t.plan.cut.DataSchema()
	}
	if to.group != nil {
		c.address, _ = addressOf(to.address, t.schema)
	}
	c.from, c.to = d.agreement.Valid.span()
	for _, app := range from.applications() {
		b.fed.addClause(app.ID, c)
	}
	b.overlapping(d, from, t, to)
}

// way is how an event of a type gets from one application to another.
type way struct{ sender, authority, typ, receiver string }

// overlapping finds agreements that are in force at the same time for the same
// way, and notes the way for mayOverlap.
func (b *builder) overlapping(d *draft, from side, t draftType, to side) {
	own := passage{d.agreement, from, to, t.at}
	typ := t.schema.Type
	if from.group != nil || to.group != nil {
		b.groupPaths[typ] = append(b.groupPaths[typ], own)
		return
	}
	w := way{from.app.ID, from.authority, typ, to.app.ID}
	for _, other := range b.ways[w] {
		if other.Valid.overlaps(d.agreement.Valid) {
			b.Add(t.at, finding.AgrOverlap, w.sender+" ("+w.authority+")", w.typ, w.receiver, other.ID)
			break
		}
	}
	b.ways[w] = append(b.ways[w], d.agreement)
	b.paths[typ] = append(b.paths[typ], own)
}

// passage is a way of an agreement, by applications or groups.
type passage struct {
	agreement *Agreement
	from, to  side
	at        finding.Pos // of the type
}

// mayOverlap finds agreements of which one has a group at an end: whether both
// are in force for the same way depends on the event, so this is a warning.
func (b *builder) mayOverlap() {
	for typ, groups := range b.groupPaths {
		for i, g := range groups {
			b.mayMeet(typ, g, groups[:i], b.paths[typ])
		}
	}
}

// mostMeetings of one passage are reported; who has more has another problem.
const mostMeetings = 20

func (b *builder) mayMeet(typ string, p passage, lists ...[]passage) {
	met := 0
	for _, other := range slices.Concat(lists...) {
		if p.agreement == other.agreement || !p.agreement.Valid.overlaps(other.agreement.Valid) || !meet(p.from, other.from) || !meet(p.to, other.to) {
			continue
		}
		b.Add(p.at, finding.AgrMayOverlap, p.from.name(), typ, p.to.name(), other.agreement.ID)
		if met++; met == mostMeetings {
			return
		}
	}
}

// meet tells whether an application may stand on both sides x and y.
func meet(x, y side) bool {
	switch {
	case x.group != nil && y.group != nil:
		for _, app := range x.group.Applications {
			if containsApp(y.group.Applications, app) {
				return true
			}
		}
		return false
	case x.group != nil:
		return x.group.Has(y.app, y.authority)
	case y.group != nil:
		return y.group.Has(x.app, x.authority)
	}
	return x.app == y.app && x.authority == y.authority
}

// untold finds senders whose clerks nobody can tell that a block kept an event
// back.
func (b *builder) untold(from side, t draftType) {
	if len(t.schema.Sperren) == 0 {
		return
	}
	for _, app := range from.applications() {
		if app.Receipts == nil && !b.warned[app] && len(app.Sources) > 0 {
			b.warned[app] = true
			b.Add(b.appAt[app], finding.OrgUntold, app.ID)
		}
	}
}
