package console

import (
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// casePage is a Vorgang over time.
type casePage struct {
	ID     string
	Events []caseEvent
	First  time.Time
	Waits  int  // copies without an outcome
	Many   bool // there may be more events than are shown
	paused map[string]*Pause
}

type caseEvent struct {
	search.Event
	// Mine tells that the person may see the sender's side: all receivers.
	Copies  []caseCopy
	Replays []caseReplay
}

type caseCopy struct {
	Receiver string
	Copy     *search.Copy // nil: it waits
	Paused   *Pause       // its mailbox hands nothing out
}

// timeline shows the events of a case that the person may see.
func (q *request) timeline() error {
	if err := q.spent(); err != nil {
		return err
	}
	id := q.r.FormValue("id")
	if id == "" {
		return errNotFound
	}
	if q.person.most() < federation.SightMetadata {
		return errForbidden
	}
	others := ""
	events, err := q.cfg.Hub.Search().Case(id, func(e *search.Event) bool {
		sees := q.person.sightOf(e.In, e.Receivers) >= federation.SightMetadata
		if !sees {
			others = search.Sender(e.In)
		}
		return sees
	})
	if err != nil {
		return err
	}
	data := &casePage{ID: id, Many: len(events) == search.MaxCase}
	data.paused, _ = q.cfg.Hub.Paused()
	for i := range events {
		one, err := q.caseEvent(&events[i], data)
		if err != nil {
			return err
		}
		data.Events = append(data.Events, one)
	}
	if len(data.Events) > 0 {
		data.First = data.Events[0].Stored
		return q.show("case", q.t.Case, data)
	}
	if others != "" {
		if err := q.deny(others); err != nil {
			return err
		}
	} else {
		q.miss()
	}
	return q.notFound(id)
}

func (q *request) caseEvent(e *search.Event, data *casePage) (caseEvent, error) {
	copies, err := q.cfg.Hub.Search().Copies(e.In, e.Seq)
	if err != nil {
		return caseEvent{}, err
	}
	one := caseEvent{Event: *e, Replays: q.replayedCopies(e, copies)}
	for _, r := range e.Receivers {
		if !q.seesReceiver(e.In, r) {
			continue
		}
		c := caseCopy{Receiver: r, Copy: copyTo(copies, e.ID, r)}
		if c.Copy == nil {
			data.Waits++
			c.Paused = data.paused[r]
		}
		one.Copies = append(one.Copies, c)
	}
	return one, nil
}

// copyTo is what became of the copy of an event at a receiver; nil: it waits. Its mailbox may
// have had a receipt about the event as well, which has an id of its own.
func copyTo(copies []search.Copy, id, receiver string) (of *search.Copy) {
	for i := range copies {
		c := &copies[i]
		if c.Mailbox == receiver && c.ID == id && c.Replay == "" && (of == nil || of.Result == decision.Parked) {
			of = c
		}
	}
	return of
}

// seesReceiver tells whether the person may know that somebody got a copy: who sees the
// sender's side, and the receiver itself.
func (q *request) seesReceiver(in, receiver string) bool {
	return q.person.sight(search.Sender(in)) >= federation.SightMetadata || q.person.sight(search.Organisation(receiver)) >= federation.SightMetadata
}
