package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// streamsPage tells how full things are and what runs.
type streamsPage struct {
	Org      string
	Orgs     []*federation.Organisation
	Streams  []streamRow
	Boxes    []boxRow
	Adapters []adapterRow
}

type streamRow struct {
	Name, Organisation string
	Messages           uint64
	Used, Limit        int64
}

type boxRow struct {
	Mailbox
	Title, Mode string
	Got         time.Time // when a copy was settled last
	Paused      *Pause
}

type adapterRow struct {
	Adapter
	Last   time.Time // when the application's last event was accepted
	Got    time.Time // when a copy in its mailbox was settled last
	HasBox bool
	Paused *Pause
}

func (q *request) adapterRow(a Adapter, paused *Pause) adapterRow {
	app, ok := q.cfg.Hub.Federation().Application(a.Application)
	x := q.cfg.Hub.Search()
	return adapterRow{Adapter: a, Last: x.Last(a.Application), Got: x.Got(a.Application), HasBox: ok && app.Mailbox != nil, Paused: paused}
}

func (q *request) streams() error {
	org, err := q.organisation(federation.SightCounts)
	if err != nil {
		return err
	}
	data := &streamsPage{Org: org, Orgs: q.choices()}
	usage, err := q.cfg.Hub.Streams(q.r.Context())
	if err != nil {
		return err
	}
	for _, u := range usage {
		if org != "" && u.Organisation != org || u.Organisation == "" && !q.person.runs() {
			continue
		}
		data.Streams = append(data.Streams, streamRow{u.Stream, u.Organisation, u.Messages, u.Used, u.Limit})
	}
	slices.SortFunc(data.Streams, func(a, b streamRow) int {
		return cmp.Or(cmp.Compare(a.Organisation, b.Organisation), cmp.Compare(a.Name, b.Name))
	})
	data.Boxes = q.boxes(org)
	_, paused := q.cfg.Hub.Paused()
	for _, a := range q.cfg.Hub.Adapters() {
		if o := search.Organisation(a.Application); org == "" || o == org {
			data.Adapters = append(data.Adapters, q.adapterRow(a, paused[a.Name]))
		}
	}
	return q.show("streams", q.t.Streams, data)
}

// boxes are the mailboxes of the directory, whether anything lies in them or not.
func (q *request) boxes(org string) (out []boxRow) {
	out = q.boxRows(q.applications(org))
	slices.SortStableFunc(out, func(a, b boxRow) int { return -cmp.Compare(a.Copies, b.Copies) })
	return out[:min(len(out), maxBoxes)]
}

// boxRows are the mailboxes of applications.
func (q *request) boxRows(of []*federation.Application) (out []boxRow) {
	holds := map[string]Mailbox{}
	for _, m := range q.cfg.Hub.Mailboxes() {
		holds[m.Application] = m
	}
	paused, _ := q.cfg.Hub.Paused()
	for _, a := range of {
		if a.Mailbox == nil {
			continue
		}
		m := holds[a.ID]
		m.Application, m.Limit = a.ID, cmp.Or(m.Limit, a.Mailbox.QuotaBytes)
		out = append(out, boxRow{Mailbox: m, Title: a.Title, Mode: string(a.Mailbox.Mode), Got: q.cfg.Hub.Search().Got(a.ID), Paused: paused[a.ID]})
	}
	return out
}

// maxBoxes is how many mailboxes a page lists, those with the most first.
const maxBoxes = 300
