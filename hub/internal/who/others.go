package who

import (
	"cmp"
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
)

// others collects, for every application, the first reason why it gets nothing.
type others struct {
	federation *federation.Federation
	receivers  map[*federation.Application]bool
	reasons    map[*federation.Application]Other
}

func newOthers(fed *federation.Federation) *others {
	return &others{fed, map[*federation.Application]bool{}, map[*federation.Application]Other{}}
}

func (o *others) fed(application string) *federation.Application {
	a, _ := o.federation.Application(application)
	return a
}

// got notes a receiver; the other members of an addressed group were not meant.
func (o *others) got(c route.Considered) {
	o.receivers[c.Receiver] = true
	if c.Clause.ToGroup == nil {
		return
	}
	for _, member := range c.Clause.ToGroup.Applications {
		o.first(member, Other{Application: member, Clause: c.Clause, Verdict: Another})
	}
}

// asked notes a clause that did not let the event go.
func (o *others) asked(c route.Considered, content bool) {
	if c.Receiver != nil {
		o.first(c.Receiver, Other{c.Receiver, c.Clause, c.Verdict, content})
		return
	}
	for _, member := range c.Clause.ToGroup.Applications {
		o.first(member, Other{member, c.Clause, c.Verdict, content})
	}
}

func (o *others) first(a *federation.Application, reason Other) {
	if _, known := o.reasons[a]; !known {
		o.reasons[a] = reason
	}
}

// list gives every application that gets nothing, by name.
func (o *others) list() []Other {
	var out []Other
	for _, a := range o.federation.Applications() {
		if o.receivers[a] {
			continue
		}
		reason, asked := o.reasons[a]
		if !asked {
			reason = Other{Application: a, Verdict: NoClause}
		}
		out = append(out, reason)
	}
	slices.SortFunc(out, func(x, y Other) int { return cmp.Compare(x.Application.ID, y.Application.ID) })
	return out
}
