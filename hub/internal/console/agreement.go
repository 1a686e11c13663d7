package console

import (
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// agreementPage is one Übermittlungsregel, whole.
type agreementPage struct {
	agreementRow
	LawTitle, LawSays string
	Discloses         []discloseRow
	Approvers         []approvalRow
	Text              string // the file as it stands
}

// discloseRow is a field that an agreement discloses of one of its types.
type discloseRow struct {
	Type, Pointer, Label, Category string
}

type approvalRow struct {
	Authority, Name, Ref string
	On                   federation.Day
	Stale                bool // it was for another text
	Missing              bool // there is none
}

func (q *request) agreement() error {
	if err := q.spent(); err != nil {
		return err
	}
	fed := q.cfg.Hub.Federation()
	a, ok := fed.Agreement(q.r.PathValue("id"))
	switch {
	case !ok:
		q.miss()
		return errNotFound
	case !q.maySee(a): // that it is there is nothing to know either
		if err := q.deny(search.Organisation(first(a))); err != nil {
			return err
		}
		return errNotFound
	}
	data := &agreementPage{agreementRow: agreementRowOf(a, q.now()), Text: string(fed.Text(a.File))}
	data.LawTitle, data.LawSays = q.text(a.Law.Title, a.Law.TitleEn), q.text(a.Law.Says, a.Law.SaysEn)
	for _, typ := range a.Types {
		data.Discloses = append(data.Discloses, q.disclosed(fed, a, typ)...)
	}
	data.Approvers = approvals(fed, a)
	return q.show("agreement", a.Title, data)
}

// maySee tells whether an agreement is of the person's side: it concerns an organisation
// whose counts they may see, or they see everybody's.
func (q *request) maySee(a *federation.Agreement) bool {
	if q.person.all() >= federation.SightCounts {
		return true
	}
	return slices.ContainsFunc(q.person.own(), func(org string) bool {
		return partyOf(q.cfg.Hub.Federation(), org)(a) && q.person.sight(org) >= federation.SightCounts
	})
}

// first is an application of an agreement; "" when it has groups only.
func first(a *federation.Agreement) string {
	for _, p := range slices.Concat(a.From, a.To) {
		if p.Application != "" {
			return p.Application
		}
	}
	return ""
}

// disclosed lists the fields of a type that an agreement discloses: those it names and
// what is below them, or all.
func (q *request) disclosed(fed *federation.Federation, a *federation.Agreement, typ string) (out []discloseRow) {
	s, ok := fed.Schemas.Lookup(typ)
	if !ok {
		return nil
	}
	for _, f := range s.Fields() {
		named := a.Disclose == nil || slices.ContainsFunc(a.Disclose, func(p string) bool { return f.Pointer == p || strings.HasPrefix(f.Pointer, p+"/") })
		if named {
			out = append(out, discloseRow{Type: typ, Pointer: f.Pointer, Label: q.text(f.Title, f.TitleEn), Category: f.Datenkategorie})
		}
	}
	return out
}

// approvals gives what each authority of an agreement has said of it.
func approvals(fed *federation.Federation, a *federation.Agreement) (out []approvalRow) {
	for _, one := range a.Approved {
		out = append(out, approvalRow{Authority: one.Authority, Name: authorityName(fed, one.Authority), Ref: one.Ref, On: one.On, Stale: one.Digest != a.Digest})
	}
	for _, p := range slices.Concat(a.From, a.To) {
		said := slices.ContainsFunc(out, func(r approvalRow) bool { return r.Authority == p.Authority })
		if p.Authority != "" && !said {
			out = append(out, approvalRow{Authority: p.Authority, Name: authorityName(fed, p.Authority), Missing: true})
		}
	}
	return out
}

// authorityName is what an organisation calls an authority; "" when none names it.
func authorityName(fed *federation.Federation, key string) string {
	for _, o := range fed.Organisations {
		if name := o.AuthorityName(key); name != key {
			return name
		}
	}
	return ""
}
