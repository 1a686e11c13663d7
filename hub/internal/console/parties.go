package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// partyList is who may send or get an event type by an agreement, and who has done so.
type partyList struct {
	Rows []partyRow
	More int // that are not shown
}

type partyRow struct {
	Name, Title  string
	Group        bool
	Organisation string
	// Declared: an agreement names it, or a group that it is a member of.
	Declared bool
	Seen     time.Time
}

const partiesShown = 50

// parties of a type, as far as the person may see them.
func (q *request) parties(fed *federation.Federation, typ string) (from, to partyList) {
	senders, receivers, now := map[string]*partyRow{}, map[string]*partyRow{}, q.now()
	for _, a := range fed.Agreements {
		if a.Valid.Holds(now) && slices.Contains(a.Types, typ) {
			declare(senders, a.From)
			declare(receivers, a.To)
		}
	}
	index := q.cfg.Hub.Search()
	return q.partyList(fed, senders, func(app string) time.Time { return index.Sent(typ, app) }),
		q.partyList(fed, receivers, func(app string) time.Time { return index.Took(typ, app) })
}

func declare(rows map[string]*partyRow, parties []federation.Party) {
	for _, p := range parties {
		if p.Group != "" {
			rows[p.Group] = &partyRow{Name: p.Group, Group: true, Declared: true}
		} else {
			rows[p.Application] = &partyRow{Name: p.Application, Declared: true}
		}
	}
}

func (q *request) partyList(fed *federation.Federation, rows map[string]*partyRow, seen func(string) time.Time) (out partyList) {
	members := membersOf(fed, rows)
	for _, app := range fed.Applications() {
		at, row := seen(app.ID), rows[app.ID]
		// a member of a group stands for itself when it was seen, and to its own steward
		own := members[app.ID] && slices.Contains(q.person.own(), app.Organisation)
		if row == nil && (own || !at.IsZero()) {
			row = &partyRow{Name: app.ID, Declared: members[app.ID]}
			rows[app.ID] = row
		}
		if row != nil {
			row.Title, row.Organisation, row.Seen = app.Title, app.Organisation, at
		}
	}
	for _, row := range rows {
		if q.person.sight(row.Organisation) >= federation.SightCounts || q.person.all() >= federation.SightCounts {
			out.Rows = append(out.Rows, *row)
		}
	}
	slices.SortFunc(out.Rows, func(a, b partyRow) int {
		return cmp.Or(-a.Seen.Compare(b.Seen), cmp.Compare(a.Name, b.Name))
	})
	if out.More = len(out.Rows) - partiesShown; out.More > 0 {
		out.Rows = out.Rows[:partiesShown]
	}
	return out
}

// membersOf gives the applications that are in one of the groups among the rows, and
// completes these.
func membersOf(fed *federation.Federation, rows map[string]*partyRow) map[string]bool {
	out := map[string]bool{}
	for _, g := range fed.Groups {
		if row := rows[g.ID]; row != nil && row.Group {
			row.Title = g.Title
			for _, a := range g.Applications {
				out[a.ID] = true
			}
		}
	}
	return out
}
