package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// organisationsPage lists who is connected.
type organisationsPage struct {
	Find  string
	Rows  []organisationRow
	Total int
	More  string
}

type organisationRow struct {
	*federation.Organisation
	Last time.Time // when an event of it was last accepted
}

const organisationsShown = 50

func (q *request) organisations() error {
	data := &organisationsPage{Find: q.r.FormValue("find")}
	want := strings.ToLower(strings.TrimSpace(data.Find))
	skip, _ := strconv.Atoi(q.r.FormValue("skip"))
	for _, o := range q.choices() {
		if q.person.sight(o.ID) < federation.SightCounts || !contains(want, o.ID, o.Name) {
			continue
		}
		if data.Total++; data.Total > skip && len(data.Rows) < organisationsShown {
			data.Rows = append(data.Rows, organisationRow{o, q.lastOf(o)})
		}
	}
	data.More = next("/organisations", data.Find, skip, len(data.Rows), data.Total)
	return q.show("organisations", q.t.Organisations, data)
}

// next is the address of the following page of a list; "" behind the last.
func next(path, find string, skip, shown, total int) string {
	at := skip + shown
	if at >= total || at <= skip {
		return ""
	}
	return path + "?" + url.Values{"skip": {strconv.Itoa(at)}, "find": {find}}.Encode()
}

func contains(want string, in ...string) bool {
	return slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), want) })
}

func (q *request) lastOf(o *federation.Organisation) (last time.Time) {
	for _, a := range o.Applications {
		if at := q.cfg.Hub.Search().Last(a.ID); at.After(last) {
			last = at
		}
	}
	return last
}

// organisationPage is one organisation: its applications and the authorities it acts for.
type organisationPage struct {
	*federation.Organisation
	Apps  []applicationRow
	Find  string
	Shown []federation.Responsible
	Total int
	More  string
}

type applicationRow struct {
	*federation.Application
	Sent, Got   time.Time
	Credentials []Credential
}

func (q *request) organisationPage() error {
	id := q.r.PathValue("id")
	o, ok := q.cfg.Hub.Federation().Organisation(id)
	switch {
	case q.person.sight(id) < federation.SightCounts && len(q.person.own()) > 0:
		return foreign(id)
	case q.person.sight(id) < federation.SightCounts:
		return errForbidden
	case !ok:
		return errNotFound
	}
	data := &organisationPage{Organisation: o, Find: q.r.FormValue("find")}
	credentials := map[string][]Credential{}
	keys, err := q.keys(q.r.Context())
	if err != nil {
		return err
	}
	for _, c := range keys {
		credentials[c.Application] = append(credentials[c.Application], c)
	}
	for _, a := range o.Applications {
		data.Apps = append(data.Apps, applicationRow{a, q.cfg.Hub.Search().Last(a.ID), q.cfg.Hub.Search().Got(a.ID), credentials[a.ID]})
	}
	want := strings.ToLower(strings.TrimSpace(data.Find))
	skip, _ := strconv.Atoi(q.r.FormValue("skip"))
	for _, r := range o.Authorities {
		if !contains(want, r.Key, r.Name) {
			continue
		}
		if data.Total++; data.Total > skip && len(data.Shown) < organisationsShown {
			data.Shown = append(data.Shown, r)
		}
	}
	data.More = next("/organisations/"+url.PathEscape(id), data.Find, skip, len(data.Shown), data.Total)
	return q.show("organisation", o.Name, data)
}
