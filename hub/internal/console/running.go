package console

import (
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// boxPage is one mailbox.
type boxPage struct {
	boxRow
	bus.Waiting
	To    float64 // copies a minute
	Chart *chart
	Form  pauseForm
}

// inPage is what comes from one organisation.
type inPage struct {
	Organisation *federation.Organisation
	Streams      []inStreamRow
	Senders      []senderRow
	Chart        *chart
}

type inStreamRow struct {
	streamRow
	Oldest time.Time // when the oldest event was stored that is not decided; zero: none waits
}

type senderRow struct {
	Application *federation.Application
	Last        time.Time
	Minute      float64
	Door        uint64
}

// adapterPage is one adapter.
type adapterPage struct {
	adapterRow
	Credentials []Credential
	Form        pauseForm
}

// pauseForm stops or lets go on.
type pauseForm struct {
	Paused       *Pause
	Acts         bool // the person may
	Field, Named string
}

// boxOf is the page of the mailbox ?app=.
func (q *request) boxOf() error {
	app, ok := q.cfg.Hub.Federation().Application(q.r.FormValue("app"))
	if err := q.sees(search.Organisation(q.r.FormValue("app"))); err != nil {
		return err
	}
	if !ok || app.Mailbox == nil {
		return errNotFound
	}
	data := &boxPage{boxRow: q.boxRows([]*federation.Application{app})[0]}
	var err error
	if data.Waiting, err = q.cfg.Hub.Waiting(q.r.Context(), app.ID); err != nil {
		return err
	}
	x := q.cfg.Hub.Search()
	data.To, _ = x.Minute(app.ID)
	data.Chart = drawChart([]string{q.t.ChartCopies, q.t.ChartSettled}, x.Hours(search.HourCopies, app.ID), x.Hours(search.HourSettled, app.ID))
	data.Form = pauseForm{data.boxRow.Paused, q.person.acts(app.Organisation), "app", app.ID}
	return q.show("mailbox", q.t.Mailbox+" "+app.ID, data)
}

// inOf is the page of what comes from the organisation ?org=.
func (q *request) inOf() error {
	org := q.r.FormValue("org")
	if err := q.sees(org); err != nil {
		return err
	}
	o, ok := q.cfg.Hub.Federation().Organisation(org)
	if !ok {
		return errNotFound
	}
	data := &inPage{Organisation: o}
	usage, err := q.cfg.Hub.Streams(q.r.Context())
	if err != nil {
		return err
	}
	for _, u := range usage {
		if u.Organisation == org {
			row := inStreamRow{streamRow: streamRow{u.Stream, u.Organisation, u.Messages, u.Used, u.Limit}}
			if row.Oldest, err = q.cfg.Hub.Undecided(q.r.Context(), u.Stream); err != nil {
				return err
			}
			data.Streams = append(data.Streams, row)
		}
	}
	x := q.cfg.Hub.Search()
	for _, a := range q.applications(org) {
		if len(a.Sources) > 0 {
			row := senderRow{Application: a, Last: x.Last(a.ID)}
			_, row.Minute = x.Minute(a.ID)
			row.Door, _ = x.Door(a.ID)
			data.Senders = append(data.Senders, row)
		}
	}
	data.Chart = drawChart([]string{q.t.CountAccepted}, x.Hours(search.HourAccepted, org))
	return q.show("instream", q.t.InStream+" "+org, data)
}

// adapterOf is the page of the adapter ?name=.
func (q *request) adapterOf() error {
	name := q.r.FormValue("name")
	all := q.cfg.Hub.Adapters()
	i := slices.IndexFunc(all, func(a Adapter) bool { return a.Name == name })
	if err := q.spent(); err != nil {
		return err
	}
	if i < 0 {
		q.miss()
		return errNotFound
	}
	org := search.Organisation(all[i].Application)
	if err := q.seesAdapter(org); err != nil {
		return err
	}
	_, paused := q.cfg.Hub.Paused()
	data := &adapterPage{adapterRow: q.adapterRow(all[i], paused[name])}
	if q.person.sight(org) >= federation.SightMetadata {
		keys, err := q.keys(q.r.Context())
		if err != nil {
			return err
		}
		data.Credentials = slices.DeleteFunc(keys, func(c Credential) bool { return c.Application != all[i].Application })
	}
	data.Form = pauseForm{paused[name], q.person.acts(org) && all[i].Source, "adapter", name}
	return q.show("adapter", q.t.Adapter+" "+name, data)
}

// sees tells whether the person may see how it stands with an organisation.
func (q *request) sees(org string) error {
	if err := q.spent(); err != nil {
		return err
	}
	if q.person.sight(org) < federation.SightCounts {
		if len(q.person.own()) > 0 {
			return foreign(org)
		}
		return errForbidden
	}
	return nil
}

// seesAdapter is sees for what is named without its organisation: who may not see it gets the
// answer of one that is not there.
func (q *request) seesAdapter(org string) error {
	if q.person.sight(org) >= federation.SightCounts {
		return nil
	}
	if err := q.deny(org); err != nil {
		return err
	}
	return errNotFound
}

// pause stops the mailbox of an application or an adapter, or lets it go on.
func (q *request) pause() error {
	r := PauseRequest{Application: q.r.PostFormValue("app"), Adapter: q.r.PostFormValue("adapter"), Who: q.person.who}
	to, org := "/streams/mailbox?"+url.Values{"app": {r.Application}}.Encode(), search.Organisation(r.Application)
	if r.Adapter != "" {
		to, org = "/streams/adapter?"+url.Values{"name": {r.Adapter}}.Encode(), ""
		for _, a := range q.cfg.Hub.Adapters() {
			if a.Name == r.Adapter {
				org = search.Organisation(a.Application)
			}
		}
		if err := q.spent(); err != nil {
			return err
		}
		if org == "" {
			q.miss()
			return errNotFound
		}
		if err := q.seesAdapter(org); err != nil {
			return err
		}
	}
	if err := q.sees(org); err != nil {
		return err
	}
	act := q.r.PostFormValue("act")
	switch {
	case !q.person.acts(org):
		return errForbidden
	case act != "pause" && act != "go-on":
		return errNotFound
	}
	var ok bool
	if r.Reason, ok = q.reason(); !ok {
		q.back(to, "reason")
		return nil
	}
	r.Pause = act == "pause"
	if err := q.cfg.Hub.Pause(q.r.Context(), r); errors.Is(err, ErrNotThere) {
		return errNotFound
	} else if err != nil {
		return err
	}
	q.back(to, act)
	return nil
}
