package console

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// findPage lists events.
type findPage struct {
	Org      string
	Orgs     []*federation.Organisation
	Apps     []*federation.Application
	Types    []string
	Outcomes []choice
	Form     url.Values
	Events   []search.Event
	More     string // link to the next page; "" when there is none
	Searched bool   // by something that a caller has
}

type choice struct{ Value, Title string }

// find searches by what a caller has (?q=), or lists by what is chosen.
func (q *request) find() error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	if given := strings.TrimSpace(q.r.FormValue("q")); given != "" {
		return q.lookup(given)
	}
	v := q.r.URL.Query()
	query := search.Query{
		Organisation: org, Application: v.Get("app"), Type: v.Get("type"), Case: strings.TrimSpace(v.Get("case")), Outcome: hub.Outcome(v.Get("outcome")),
		From: dayFrom(v.Get("from")), To: dayFrom(v.Get("to")),
	}
	if !query.To.IsZero() {
		query.To = query.To.AddDate(0, 0, 1)
	}
	query.Behind, _ = search.ReadPlace(v.Get("behind"))
	answer, err := q.cfg.Hub.Search().Find(query)
	if err != nil {
		return err
	}
	data := &findPage{Org: org, Orgs: q.choices(), Types: q.cfg.Hub.Federation().Schemas.Types(), Outcomes: q.outcomes(), Form: v, Events: answer.Events}
	data.Apps = q.applications(org)
	if answer.More != (search.Place{}) {
		next := url.Values{}
		for name, values := range v {
			next[name] = values
		}
		next.Set("behind", answer.More.String())
		data.More = "/search?" + next.Encode()
	}
	return q.show("search", q.t.Search, data)
}

// dayFrom reads a day of a form as its beginning in Berlin; zero when it is none.
func dayFrom(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, berlin)
	if err != nil {
		return time.Time{}
	}
	return t
}

// applications to choose from.
func (q *request) applications(org string) (out []*federation.Application) {
	for _, a := range q.cfg.Hub.Federation().Applications() {
		if org == "" || a.Organisation == org {
			out = append(out, a)
		}
	}
	return out
}

func (q *request) outcomes() []choice {
	out := []choice{}
	for _, o := range []hub.Outcome{hub.Routed, hub.Unrouted, hub.Quarantined, hub.Suppressed, hub.Parked} {
		out = append(out, choice{string(o), q.t.outcome(string(o))})
	}
	return out
}

// lookup finds an event or a case by its id; when there is none, that is the answer.
func (q *request) lookup(given string) error {
	if err := q.spent(); err != nil {
		return err
	}
	answer, err := q.cfg.Hub.Explain(q.r.Context(), given)
	if err != nil {
		return err
	}
	others := q.mine(answer)
	if len(answer.Events) > 0 {
		q.redirect("/event?" + url.Values{"id": {given}}.Encode())
		return nil
	}
	if others != "" {
		if err := q.deny(others); err != nil {
			return err
		}
		return q.notFound(given)
	}
	q.r.Form = url.Values{"id": {given}}
	return q.timeline()
}

// notFoundPage is the answer that there is nothing: what was heard last, and whose move
// it is (DESIGN §6, 10).
type notFoundPage struct {
	ID       string
	Sources  []lastHeard
	Adapters []Adapter
	Door     uint64 // refused at the door today
	Refused  uint64 // in quarantine, where what cannot be read lies without an id
}

type lastHeard struct {
	Application *federation.Application
	At          time.Time
}

const maxHeard = 200

func (q *request) notFound(id string) error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	if err := q.cfg.Hub.Search().Err(); err != nil {
		return err
	}
	refused, err := q.cfg.Hub.Refused(q.r.Context(), org)
	if err != nil {
		return err
	}
	data := &notFoundPage{ID: id, Refused: sum(refused), Door: q.cfg.Hub.Search().Today(org)[search.CountDoor]}
	for _, a := range q.applications(org) {
		if len(a.Sources) > 0 {
			data.Sources = append(data.Sources, lastHeard{a, q.cfg.Hub.Search().Last(a.ID)})
		}
	}
	slices.SortStableFunc(data.Sources, func(a, b lastHeard) int { return cmp.Compare(b.At.Unix(), a.At.Unix()) })
	data.Sources = data.Sources[:min(len(data.Sources), maxHeard)]
	for _, a := range q.cfg.Hub.Adapters() {
		if a.InError > 0 && q.person.sight(search.Organisation(a.Application)) >= federation.SightMetadata {
			data.Adapters = append(data.Adapters, a)
		}
	}
	return q.show("notfound", q.t.NotFoundTitle, data)
}
