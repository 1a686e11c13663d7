package console

import (
	"net/url"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// findPage lists events.
type findPage struct {
	choose
	Events []search.Event
	More   string // link to the next page; "" when there is none
	Fault  string // why nothing was searched; "" when it was
}

// choose is what events can be narrowed down to.
type choose struct {
	Org      string
	Orgs     []*federation.Organisation
	Apps     []*federation.Application
	Types    []string
	Outcomes []choice
	Form     url.Values
}

func (q *request) choose(org string) choose {
	return choose{org, q.choices(), q.applications(org), q.cfg.Hub.Federation().Schemas.Types(), q.outcomes(), q.r.URL.Query()}
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
	if !momentOrNone(v.Get("from")) || !momentOrNone(v.Get("to")) {
		return q.show("search", q.t.Search, &findPage{choose: q.choose(org), Fault: q.t.NoMoment})
	}
	query := queryOf(v, org)
	query.Behind, _ = search.ReadPlace(v.Get("behind"))
	answer, err := q.cfg.Hub.Search().Find(query)
	if err != nil {
		return err
	}
	data := &findPage{choose: q.choose(org), Events: answer.Events}
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

func momentOrNone(s string) bool { return s == "" || !momentFrom(s, false).IsZero() }

// momentFrom reads a day or a minute of a form in Berlin, its beginning, or for end what
// comes behind it; zero when it is none.
func momentFrom(s string, end bool) time.Time {
	if t, err := time.ParseInLocation("2006-01-02T15:04", s, berlin); err == nil {
		if end {
			t = t.Add(time.Minute)
		}
		return t
	}
	t, err := time.ParseInLocation(time.DateOnly, s, berlin)
	if err != nil {
		return time.Time{}
	}
	if end {
		t = t.AddDate(0, 0, 1)
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
	return append(out, choice{string(search.InQuarantine), q.t.OutcomeAnyQuarantine})
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
	if shown, err := q.byTerm(given); shown || err != nil {
		return err
	}
	q.r.Form = url.Values{"id": {given}}
	return q.timeline()
}
