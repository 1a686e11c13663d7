package console

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// tailPage shows what comes, the newest first.
type tailPage struct {
	choose
	Live    string // where the live part comes from
	Events  []search.Event
	Skipped bool // more came than is shown
}

// tailRows is how many events the live tail shows.
const tailRows = 50

// queryOf reads what a form narrows events down to.
func queryOf(v url.Values, org string) search.Query {
	return search.Query{
		Organisation: org, Application: v.Get("app"), Type: v.Get("type"), Case: strings.TrimSpace(v.Get("case")), Outcome: hub.Outcome(v.Get("outcome")),
		From: momentFrom(v.Get("from"), false), To: momentFrom(v.Get("to"), true),
	}
}

// tail shows the newest events; the page follows them where there is a script, else it is
// asked for again.
func (q *request) tail() error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	t := &tailer{q: q, query: q.tailQuery(org)}
	if err := t.begin(); err != nil {
		return err
	}
	return q.show("tail", q.t.Tail, t.page())
}

// tailQuery narrows down as the form says, but for the time.
func (q *request) tailQuery(org string) search.Query {
	v := q.r.URL.Query()
	v.Del("from")
	v.Del("to")
	one := queryOf(v, org)
	one.Limit = tailRows
	return one
}

func (q *request) liveTail() error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	t := &tailer{q: q, query: q.tailQuery(org)}
	return q.live(&follower{org, federation.SightMetadata, t.parts})
}

// tailer is what somebody follows.
type tailer struct {
	q       *request
	query   search.Query
	begun   bool
	seen    search.Place
	events  []search.Event
	skipped bool
}

// begin reads the newest events that fit.
func (t *tailer) begin() (err error) {
	if _, t.seen, _, err = t.q.since(t.q.r.Context(), t.seen); err != nil {
		return err
	}
	a, err := t.q.cfg.Hub.Search().Find(t.query)
	t.events, t.begun = a.Events, true
	return err
}

// more takes in what is new.
func (t *tailer) more() error {
	fresh, upTo, whole, err := t.q.since(t.q.r.Context(), t.seen)
	if err != nil {
		return err
	}
	t.seen, t.skipped = upTo, t.skipped || !whole
	known := map[search.Place]bool{} // what the beginning has read already
	for i := range t.events {
		known[t.events[i].Place] = true
	}
	var fits []search.Event
	for i := range fresh {
		if t.query.Fits(&fresh[i]) && !known[fresh[i].Place] {
			fits = append(fits, fresh[i])
		}
		if len(fits) == tailRows {
			break
		}
	}
	t.events = append(fits, t.events...)
	t.events = t.events[:min(len(t.events), tailRows)]
	return nil
}

func (t *tailer) parts() ([]livePart, error) {
	step := t.more
	if !t.begun {
		step = t.begin
	}
	if err := step(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := t.q.pages.part(&b, "tail", "tail", t.q.page("tail", t.q.t.Tail, t.page()))
	return []livePart{{"tail", b.String()}}, err
}

func (t *tailer) page() *tailPage {
	v := t.q.r.URL.Query()
	return &tailPage{choose: t.q.choose(t.query.Organisation), Live: "/live/tail?" + v.Encode(), Events: t.events, Skipped: t.skipped}
}
