package console

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/schemas"
)

// cataloguePage lists the event types.
type cataloguePage struct{ Types []typeRow }

type typeRow struct {
	Type, Title, Description string
	Personal                 bool // has fields with x-datenkategorie
}

func (q *request) catalogue() error {
	data := &cataloguePage{}
	registry := q.cfg.Hub.Federation().Schemas
	for _, name := range registry.Types() {
		s, _ := registry.Lookup(name)
		row := typeRow{Type: name, Title: q.text(s.Title, s.TitleEn), Description: q.text(s.Description, s.DescriptionEn)}
		row.Personal = slices.ContainsFunc(s.Fields(), func(f schemas.Field) bool { return f.Datenkategorie != "" })
		data.Types = append(data.Types, row)
	}
	return q.show("catalogue", q.t.Catalogue, data)
}

// text is the German text, or the English one where there is one and it is asked for.
func (q *request) text(de, en string) string {
	if q.lang == "en" && en != "" {
		return en
	}
	return de
}

// typePage is the schema of an event type, readable.
type typePage struct {
	*schemas.Schema
	Heading, Text string
	Fields        []fieldRow
	Versions      []string
	Senders       []string // who may send it by an agreement
	Receivers     []string
	Raw           string
	Keep          time.Duration
}

type fieldRow struct {
	schemas.Field
	Label, Text string
	Depth       int
}

func (q *request) eventType() error {
	fed := q.cfg.Hub.Federation()
	s, ok := fed.Schemas.Lookup(q.r.PathValue("type"))
	if !ok {
		return errNotFound
	}
	data := &typePage{Schema: s, Heading: q.text(s.Title, s.TitleEn), Text: q.text(s.Description, s.DescriptionEn), Keep: s.Keep}
	for _, f := range s.Fields() {
		data.Fields = append(data.Fields, fieldRow{f, q.text(f.Title, f.TitleEn), q.text(f.Description, f.DescriptionEn), strings.Count(f.Pointer, "/") - 1})
	}
	family := s.Type[:strings.LastIndexByte(s.Type, '.')+1]
	for _, other := range fed.Schemas.Types() {
		if strings.HasPrefix(other, family) && !strings.Contains(other[len(family):], ".") {
			data.Versions = append(data.Versions, other)
		}
	}
	if q.person.all() >= federation.SightCounts {
		data.Senders, data.Receivers = parties(fed, s.Type)
	}
	var out bytes.Buffer
	if json.Indent(&out, s.Raw, "", "  ") == nil {
		data.Raw = out.String()
	}
	return q.show("type", data.Heading, data)
}

func parties(fed *federation.Federation, typ string) (from, to []string) {
	for _, a := range fed.Agreements {
		if !slices.Contains(a.Types, typ) {
			continue
		}
		for _, p := range a.From {
			from = append(from, p.Application+p.Group)
		}
		for _, p := range a.To {
			to = append(to, p.Application+p.Group)
		}
	}
	slices.Sort(from)
	slices.Sort(to)
	return slices.Compact(from), slices.Compact(to)
}

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
	for _, a := range q.cfg.Hub.Federation().Agreements {
		if org != "" && !partyOf(a, org) || want != "" && !matches(a, want) {
			continue
		}
		if data.Total++; data.Total > skip && len(data.Rows) < agreementsShown {
			data.Rows = append(data.Rows, agreementRowOf(a, q.now()))
		}
	}
	if next := skip + len(data.Rows); next < data.Total && next > skip {
		more := url.Values{"skip": {strconv.Itoa(next)}, "find": {v.Get("find")}, "org": {v.Get("org")}}
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

// actsPage is what people had the hub do.
type actsPage struct{ Acts []actRow }

type actRow struct {
	Act, Application, Who, Reason string
	At                            time.Time
}

const actsShown = 200

func (q *request) acts() error {
	if q.person.all() < federation.SightMetadata {
		return errForbidden
	}
	acts, err := q.cfg.Hub.Search().Acts(actsShown)
	if err != nil {
		return err
	}
	data := &actsPage{}
	for _, a := range acts {
		data.Acts = append(data.Acts, actRow{q.t.act(a.Act), a.Application, a.Who, a.Reason, a.At})
	}
	return q.show("acts", q.t.Acts, data)
}
