package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// agreementsPage shows the Übermittlungsregeln as a matrix of sender, receiver and law.
type agreementsPage struct {
	Org   string
	Orgs  []*federation.Organisation
	Form  url.Values
	Rows  []agreementRow
	Total int
	More  string
}

type agreementRow struct {
	*federation.Agreement
	From, To   []string
	Fields     []string
	InForce    bool
	Approvals  int
	Unapproved bool
}

const agreementsShown = 50

func (q *request) agreements() error {
	org, err := q.organisation(federation.SightCounts)
	if err != nil {
		return err
	}
	v := q.r.URL.Query()
	data := &agreementsPage{Org: org, Orgs: q.choices(), Form: v}
	want := strings.ToLower(strings.TrimSpace(v.Get("find")))
	skip, _ := strconv.Atoi(v.Get("skip"))
	from, to, concerns := v.Get("from"), v.Get("to"), partyOf(q.cfg.Hub.Federation(), org)
	for _, a := range q.cfg.Hub.Federation().Agreements {
		if !concerns(a) || want != "" && !matches(a, want) || !between(a, from, to) {
			continue
		}
		if data.Total++; data.Total > skip && len(data.Rows) < agreementsShown {
			data.Rows = append(data.Rows, agreementRowOf(a, q.now()))
		}
	}
	if next := skip + len(data.Rows); next < data.Total && next > skip {
		more := url.Values{"skip": {strconv.Itoa(next)}, "find": {v.Get("find")}, "org": {v.Get("org")}, "from": {from}, "to": {to}}
		data.More = "/agreements?" + more.Encode()
	}
	return q.show("agreements", q.t.Agreements, data)
}

func agreementRowOf(a *federation.Agreement, now time.Time) agreementRow {
	row := agreementRow{Agreement: a, Fields: a.Disclose, InForce: a.Valid.Holds(now), Approvals: len(a.Approved)}
	for _, f := range a.From {
		row.From = append(row.From, partyName(f))
	}
	for _, t := range a.To {
		row.To = append(row.To, partyName(t))
	}
	return row
}

func partyName(p federation.Party) string {
	if p.Group != "" {
		return p.Group
	}
	return p.Application + " (" + p.Authority + ")"
}

func matches(a *federation.Agreement, want string) bool {
	if strings.Contains(strings.ToLower(a.ID), want) || strings.Contains(strings.ToLower(a.Title), want) || a.Law != nil && strings.Contains(strings.ToLower(a.Law.Key), want) {
		return true
	}
	for _, p := range slices.Concat(a.From, a.To) {
		if strings.Contains(p.Application, want) || strings.Contains(p.Group, want) {
			return true
		}
	}
	return slices.ContainsFunc(a.Types, func(t string) bool { return strings.Contains(t, want) })
}
