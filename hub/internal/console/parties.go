package console

import (
	"cmp"
	"maps"
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
	senders, receivers := map[string]*partyRow{}, map[string]*partyRow{}
	for _, a := range fed.Agreements {
		if slices.Contains(a.Types, typ) {
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

func (q *request) partyList(fed *federation.Federation, declared map[string]*partyRow, seen func(string) time.Time) (out partyList) {
	rows := maps.Clone(declared)
	for _, app := range fed.Applications() {
		if at := seen(app.ID); !at.IsZero() {
			row := rows[app.ID]
			if row == nil {
				row = &partyRow{Name: app.ID, Declared: inGroup(fed, declared, app)}
				rows[app.ID] = row
			}
			row.Seen = at
		}
	}
	for _, row := range rows {
		if row.Group {
			if g := groupNamed(fed, row.Name); g != nil {
				row.Title = g.Title
			}
		} else if app, ok := fed.Application(row.Name); ok {
			row.Title, row.Organisation = app.Title, app.Organisation
		}
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

// inGroup tells whether an application is in one of the groups.
func inGroup(fed *federation.Federation, declared map[string]*partyRow, app *federation.Application) bool {
	for _, row := range declared {
		if g := groupNamed(fed, row.Name); row.Group && g != nil && slices.Contains(g.Applications, app) {
			return true
		}
	}
	return false
}

func groupNamed(fed *federation.Federation, id string) *federation.Group {
	for _, g := range fed.Groups {
		if g.ID == id {
			return g
		}
	}
	return nil
}
