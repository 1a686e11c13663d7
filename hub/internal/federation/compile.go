package federation

import (
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
// way. Where groups take part it depends on the event, and is a warning.
func (b *builder) overlapping(d *draft, from side, t draftType, to side) {
	if from.group == nil && to.group == nil {
		w := way{from.app.ID, from.authority, t.schema.Type, to.app.ID}
		for _, other := range b.ways[w] {
			if other.Valid.overlaps(d.agreement.Valid) {
				b.Add(t.at, finding.AgrOverlap, w.sender+" ("+w.authority+")", w.typ, w.receiver, other.ID)
				break
			}
		}
		b.ways[w] = append(b.ways[w], d.agreement)
	}
	b.mayOverlap(d, from, t, to)
}

// groupWay is a way on which a group stands at one end or both.
type groupWay struct {
	agreement *Agreement
	from, to  side
}

func (b *builder) mayOverlap(d *draft, from side, t draftType, to side) {
	grouped := from.group != nil || to.group != nil
	for _, other := range b.groupWays[t.schema.Type] {
		if other.agreement != d.agreement && other.agreement.Valid.overlaps(d.agreement.Valid) && meet(other.from, from) && meet(other.to, to) {
			b.Add(t.at, finding.AgrMayOverlap, from.name(), t.schema.Type, to.name(), other.agreement.ID)
			break
		}
	}
	if grouped {
		b.groupWays[t.schema.Type] = append(b.groupWays[t.schema.Type], groupWay{d.agreement, from, to})
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
