package federation

import (
	"cmp"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
)

// Clause is one compiled way of an agreement: one type, one sender, one
// receiver. It is safe for concurrent use.
type Clause struct {
	Agreement *Agreement
	// From is the sending authority.
	From string
	// Receiver and the authority it receives for.
	Receiver          *Application
	ReceiverAuthority string
	// Fields disclosed, block marks included; nil is all.
	Fields []string
	// DataSchema of the copy.
	DataSchema string
	// Cut makes the copy's data; nil leaves it as it is.
	Cut *disclose.Cut

	from, to   time.Time         // in force from, until before
	where      *where            // nil is always
	conditions map[string]string // of the type, by name
	needsData  bool
}

// InForce tells whether the agreement is valid on t's day in Europe/Berlin.
func (c *Clause) InForce(t time.Time) bool { return !t.Before(c.from) && t.Before(c.to) }

// Admits tells whether an event sent for fromAuthority may go: authority and
// where. attrs are the event's attributes in canonical string form, cond the
// values of the data conditions (schemas.Schema.Conditions; nil unless
// NeedsData). An error means that where could not be evaluated: a no. It names
// no value.
func (c *Clause) Admits(fromAuthority string, attrs map[string]string, cond map[string]any) (bool, error) {
	if fromAuthority != c.From {
		return false, nil
	}
	if c.where == nil {
		return true, nil
	}
	return c.where.holds(attrs, c.conditions, cond)
}

// NeedsData tells whether where uses a data condition.
func (c *Clause) NeedsData() bool { return c.needsData }

// AdmitsSperren tells whether events with a block set may go.
func (c *Clause) AdmitsSperren() bool { return c.Agreement.Sperren != "" }

// clauses compiles all agreements, and finds those that are in force at the
// same time for the same sender, type and receiver.
func (b *builder) clauses() {
	type way struct{ sender, authority, typ, receiver string }
	seen := map[way][]*draft{}
	for _, d := range b.drafts {
		reported := map[*draft]bool{}
		d.each(func(from side, t draftType, to side) {
			w := way{from.app.ID, from.authority, t.schema.Type, to.app.ID}
			for _, other := range seen[w] {
				if !reported[other] && other.agreement.Valid.overlaps(d.agreement.Valid) {
					reported[other] = true
					b.add(t.at, AgrOverlap, w.sender+" ("+w.authority+")", w.typ, w.receiver, other.agreement.ID)
				}
			}
			seen[w] = append(seen[w], d)
			key := clauseKey{from.app.ID, t.schema.Type}
			b.fed.clauses[key] = append(b.fed.clauses[key], d.clause(from, t, to))
		})
	}
	for _, list := range b.fed.clauses {
		slices.SortFunc(list, func(x, y *Clause) int {
			return cmp.Or(cmp.Compare(x.Agreement.ID, y.Agreement.ID), cmp.Compare(x.Receiver.ID, y.Receiver.ID), cmp.Compare(x.From, y.From))
		})
	}
}

func (d *draft) each(do func(from side, t draftType, to side)) {
	for _, from := range d.senders {
		for _, t := range d.kinds {
			for _, to := range d.receivers {
				do(from, t, to)
			}
		}
	}
}

func (d *draft) clause(from side, t draftType, to side) *Clause {
	c := &Clause{
		Agreement: d.agreement, From: from.authority, Receiver: to.app, ReceiverAuthority: to.authority,
		DataSchema: t.schema.ID, Cut: t.cut, where: d.where,
		conditions: t.schema.Bedingungen,
	}
	if t.cut != nil {
		c.Fields, c.DataSchema = t.cut.Fields(), t.cut.DataSchema()
	}
	c.from, c.to = d.agreement.Valid.span()
	if d.where != nil {
		c.needsData = slices.ContainsFunc(d.where.names, func(name string) bool { return c.conditions[name] != "" })
	}
	return c
}
