package federation

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/where"
	"github.com/amtsbote/amtsbote/schemas"
)

// Clause is one compiled way of an agreement: one type, one sender (or a group
// of them), one receiver (or a group and an address). It is safe for concurrent
// use.
type Clause struct {
	Agreement *Agreement
	Type      string
	// From is the sending authority; "" when FromGroup says who sends.
	From      string
	FromGroup *Group
	// Receiver and the authority it receives for; nil when ToGroup and the
	// address say who receives.
	Receiver          *Application
	ReceiverAuthority string
	ToGroup           *Group
	// Fields disclosed, block marks included; nil is all.
	Fields []string
	// DataSchema of the copy.
	DataSchema string
	// Cut makes the copy's data; nil leaves it as it is.
	Cut *disclose.Cut

	address  address
	from, to time.Time         // in force from, until before
	where    *where.Expression // nil is always
	law      bool              // the norm asks for a look at the units
	fed      *Federation
}

// address tells which member of a group receives.
type address struct {
	sender    bool   // the member of the sender's administrative unit
	attribute string // an attribute that holds an AGS or a key
	pointer   string // a field with x-adresse
}

// InForce tells whether the agreement is valid on t's day in Europe/Berlin.
func (c *Clause) InForce(t time.Time) bool { return !t.Before(c.from) && t.Before(c.to) }

// Sends tells whether the clause is about what the application sends for an
// authority.
func (c *Clause) Sends(a *Application, authority string) bool {
	if c.FromGroup != nil {
		return c.FromGroup.Has(a, authority)
	}
	return c.From == authority
}

// Where tells on which condition an event may go; nil is on none.
func (c *Clause) Where() *where.Expression { return c.where }

// AdmitsSperren tells whether an event may go that has these blocks set.
func (c *Clause) AdmitsSperren(blocks []string) bool {
	return len(blocks) == 0 || c.Agreement.Sperren != nil && c.Agreement.Sperren.Admits(blocks)
}

// Addressed tells whether an address decides who receives.
func (c *Clause) Addressed() bool { return c.ToGroup != nil }

// Resolve finds the receiver for an event sent for authority from: the clause's
// own, or the member of its group that the address names. ok is false when the
// address names none, or one to which the norm does not let it go.
func (c *Clause) Resolve(from string, attrs event.Attributes, schema *schemas.Schema, doc any) (to *Application, authority string, ok bool) {
	if c.ToGroup == nil {
		return c.Receiver, c.ReceiverAuthority, c.covers(from, c.ReceiverAuthority)
	}
	key, ok := c.addressee(from, attrs, schema, doc)
	if !ok {
		return nil, "", false
	}
	to, authority, ok = c.ToGroup.Member(key)
	return to, authority, ok && to.Mailbox != nil && c.covers(from, authority)
}

func (c *Clause) addressee(from string, attrs event.Attributes, schema *schemas.Schema, doc any) (string, bool) {
	switch {
	case c.address.sender:
		return c.fed.Unit(from), true
	case c.address.attribute != "":
		value := attrs.Value(c.address.attribute)
		if value != "" && !strings.Contains(value, ":") {
			value = "ags:" + value
		}
		return value, value != ""
	}
	return schema.Adresse(doc, c.address.pointer)
}

// covers asks the norm, where only the event tells who sends or receives; what
// is fixed was asked when the agreement was compiled.
func (c *Clause) covers(from, to string) bool {
	return !c.law || c.Agreement.Law.Covers(c.fed.Unit(from), c.fed.Unit(to))
}

// clauseKey finds clauses in constant time.
type clauseKey struct{ application, typ string }

// clauseSet holds the clauses of one application and type.
type clauseSet struct {
	byAuthority map[string][]*Clause
	ofGroups    []*Clause
}

// Clauses gives every clause under which events of a type that an application
// sends for an authority may go to a receiver, in force or not: those that name
// the authority, and those of groups (of which it may be no member). Both are
// ordered by agreement and receiver. The slices are shared: do not change them.
func (f *Federation) Clauses(application, typ, authority string) (own, ofGroups []*Clause) {
	s := f.clauses[clauseKey{application, typ}]
	if s == nil {
		return nil, nil
	}
	return s.byAuthority[authority], s.ofGroups
}

func (f *Federation) addClause(application string, c *Clause) {
	key := clauseKey{application, c.Type}
	s := f.clauses[key]
	if s == nil {
		s = &clauseSet{byAuthority: map[string][]*Clause{}}
		f.clauses[key] = s
	}
	if c.FromGroup != nil {
		s.ofGroups = append(s.ofGroups, c)
		return
	}
	s.byAuthority[c.From] = append(s.byAuthority[c.From], c)
}

func (f *Federation) sortClauses() {
	for _, s := range f.clauses {
		slices.SortFunc(s.ofGroups, compareClauses)
		for _, list := range s.byAuthority {
			slices.SortFunc(list, compareClauses)
		}
	}
}

func compareClauses(x, y *Clause) int {
	return cmp.Or(cmp.Compare(x.Agreement.ID, y.Agreement.ID), cmp.Compare(x.target(), y.target()), cmp.Compare(x.From, y.From))
}

// target names who receives: an application or a group.
func (c *Clause) target() string {
	if c.ToGroup != nil {
		return c.ToGroup.ID
	}
	return c.Receiver.ID
}
