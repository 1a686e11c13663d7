package console

import (
	"net/url"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// foundPage lists the events that hold what a caller has.
type foundPage struct {
	Given  string
	Art    string // what it is: aktenzeichen
	Events []search.Event
	Many   bool
}

const maxFound = 50

// byTerm finds events by what only their payload holds, and tells whether it has answered.
// What is in one case alone leads there: that is what a caller asks about.
func (q *request) byTerm(given string) (shown bool, err error) {
	others, asked := "", 0
	hits, err := q.cfg.Hub.Search().Terms(given, maxFound, func(h *search.Hit) bool {
		if asked++; asked > maxFound*4 {
			return false
		}
		sees, fault := q.seesTerm(h)
		if err = fault; fault == nil && !sees {
			others = search.Sender(h.In)
		}
		return sees
	})
	if err != nil {
		return false, err
	}
	if len(hits) == 0 {
		if others == "" {
			return false, nil
		}
		if err := q.deny(others); err != nil {
			return false, err
		}
		return true, q.notFound(given)
	}
	q.redirectOrList(given, hits)
	return true, nil
}

func (q *request) redirectOrList(given string, hits []search.Hit) {
	first := &hits[0]
	same := !slices.ContainsFunc(hits, func(h search.Hit) bool { return h.Case != first.Case })
	switch {
	case same && first.Case != "":
		q.redirect("/case?" + url.Values{"id": {first.Case}}.Encode())
	case len(hits) == 1 && first.ID != "":
		q.redirect("/event?" + url.Values{"id": {first.ID}}.Encode())
	default:
		data := &foundPage{Given: given, Art: first.Art, Many: len(hits) == maxFound}
		for i := range hits {
			data.Events = append(data.Events, hits[i].Event)
		}
		_ = q.show("found", q.t.Search, data) // it has told of what is wrong
	}
}

// seesTerm tells whether the person may find an event by a term: who sees the sender's
// side, and a receiver to whom the field was disclosed.
func (q *request) seesTerm(h *search.Hit) (bool, error) {
	if q.person.sight(search.Sender(h.In)) >= federation.SightMetadata {
		return true, nil
	}
	if strings.HasPrefix(h.Pointer, search.AttributePlace) || h.ID == "" ||
		!slices.ContainsFunc(h.Receivers, func(r string) bool { return q.person.sight(search.Organisation(r)) >= federation.SightMetadata }) {
		return false, nil
	}
	answer, err := q.cfg.Hub.Explain(q.r.Context(), h.ID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(answer.Events, func(e *explain.Event) bool {
		return e.Decision.In == h.In && e.Decision.Seq == h.Seq && q.wasTold(e, h.Pointer)
	}), nil
}

// wasTold tells whether a receiver whose side the person sees was given a field.
func (q *request) wasTold(e *explain.Event, pointer string) bool {
	for i := range e.Decision.Receivers {
		r := &e.Decision.Receivers[i]
		if q.person.sight(search.Organisation(r.Application)) < federation.SightMetadata {
			continue
		}
		if !r.Cut() || slices.ContainsFunc(r.Fields, func(f string) bool { return pointer == f || strings.HasPrefix(pointer, f+"/") }) {
			return true
		}
	}
	return false
}
