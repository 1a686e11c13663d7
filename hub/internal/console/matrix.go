package console

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// matrixPage shows the agreements in force as who gives to whom under which law: rows are senders,
// columns receivers, each an organisation or a group.
type matrixPage struct {
	Org                   string
	Orgs                  []*federation.Organisation
	Columns               []string
	Rows                  []matrixRow
	RowsMore, ColumnsMore int // that are not shown
}

type matrixRow struct {
	From  string
	Cells []matrixCell
}

// matrixCell is what a sender gives to a receiver; Number 0: nothing.
type matrixCell struct {
	Number int
	Laws   []string
	Link   string // to the agreements themselves
}

// matrixSize is how many rows and columns a page has at most; the fullest are shown.
const matrixSize = 40

func (q *request) matrix() error {
	org, err := q.organisation(federation.SightCounts)
	if err != nil {
		return err
	}
	data := &matrixPage{Org: org, Orgs: q.choices()}
	m := matrix{cells: map[way]*wayLaws{}, from: map[string]int{}, to: map[string]int{}}
	now, concerns := q.now(), partyOf(q.cfg.Hub.Federation(), org)
	for _, a := range q.cfg.Hub.Federation().Agreements {
		if a.Valid.Holds(now) && concerns(a) {
			m.add(a)
		}
	}
	var from []string
	from, data.RowsMore = fullest(m.from)
	data.Columns, data.ColumnsMore = fullest(m.to)
	for _, f := range from {
		row := matrixRow{From: f}
		for _, t := range data.Columns {
			row.Cells = append(row.Cells, m.cell(f, t, org))
		}
		data.Rows = append(data.Rows, row)
	}
	return q.show("matrix", q.t.AgreementMatrix, data)
}

type way struct{ from, to string }

type wayLaws struct {
	number int
	laws   map[string]bool
}

type matrix struct {
	cells    map[way]*wayLaws
	from, to map[string]int // how many agreements
}

func (m *matrix) add(a *federation.Agreement) {
	from, to := sides(a.From), sides(a.To)
	for _, f := range from {
		m.from[f]++
		for _, t := range to {
			c := m.cells[way{f, t}]
			if c == nil {
				c = &wayLaws{laws: map[string]bool{}}
				m.cells[way{f, t}] = c
			}
			c.number++
			c.laws[a.Law.Key] = true
		}
	}
	for _, t := range to {
		m.to[t]++
	}
}

func (m *matrix) cell(from, to, org string) matrixCell {
	c := m.cells[way{from, to}]
	if c == nil {
		return matrixCell{}
	}
	link := url.Values{"from": {from}, "to": {to}}
	if org != "" {
		link.Set("org", org)
	}
	return matrixCell{Number: c.number, Laws: slices.Sorted(maps.Keys(c.laws)), Link: "/agreements?" + link.Encode()}
}

// sides are the organisations and groups of parties, each once.
func sides(parties []federation.Party) (out []string) {
	for _, p := range parties {
		out = append(out, side(p))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func side(p federation.Party) string {
	if p.Group != "" {
		return p.Group
	}
	return search.Organisation(p.Application)
}

// between tells whether an agreement leads from a side to another; "" is any.
func between(a *federation.Agreement, from, to string) bool {
	is := func(parties []federation.Party, want string) bool {
		return want == "" || slices.ContainsFunc(parties, func(p federation.Party) bool { return side(p) == want })
	}
	return is(a.From, from) && is(a.To, to)
}

// fullest gives the names with the most, in their order, and how many are left out.
func fullest(of map[string]int) (names []string, more int) {
	names = slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(-cmp.Compare(of[a], of[b]), strings.Compare(a, b)) })
	if more = len(names) - matrixSize; more > 0 {
		names = names[:matrixSize]
	}
	slices.Sort(names)
	return names, max(more, 0)
}
