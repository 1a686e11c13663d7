package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// notFoundPage is the answer that there is nothing: what was heard last, and whose move
// it is (DESIGN §6, 10).
type notFoundPage struct {
	ID      string
	Sources []lastHeard
	Door    uint64 // refused at the door today
	Refused uint64 // in quarantine, where what cannot be read lies without an id
	InError int    // files that adapters have set aside
}

// lastHeard is what is known of an application that sends.
type lastHeard struct {
	Application *federation.Application
	At          time.Time // its last event was accepted
	Door        uint64    // refused at a door today
	DoorLast    time.Time
	Adapters    []adapterRow
	Move        string // whose it is, and why
}

const (
	maxHeard = 200
	// overdue is how long an adapter may not have looked, or a file may lie.
	overdue = 15 * time.Minute
)

func (q *request) notFound(id string) error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	x := q.cfg.Hub.Search()
	if err := x.Err(); err != nil {
		return err
	}
	refused, err := q.cfg.Hub.Refused(q.r.Context(), org)
	if err != nil {
		return err
	}
	data := &notFoundPage{ID: id, Refused: sum(refused), Door: x.Today(org)[search.CountDoor]}
	adapters := q.adaptersOf()
	for _, a := range q.applications(org) {
		if len(a.Sources) == 0 {
			continue
		}
		one := lastHeard{Application: a, At: x.Last(a.ID), Adapters: adapters[a.ID]}
		one.Door, one.DoorLast = x.Door(a.ID)
		one.Move = q.move(&one)
		data.Sources = append(data.Sources, one)
	}
	for id, own := range adapters {
		for i := range own {
			if org == "" || search.Organisation(id) == org {
				data.InError += max(own[i].InError, 0)
			}
		}
	}
	slices.SortStableFunc(data.Sources, func(a, b lastHeard) int { return cmp.Compare(b.At.Unix(), a.At.Unix()) })
	data.Sources = data.Sources[:min(len(data.Sources), maxHeard)]
	return q.show("notfound", q.t.NotFoundTitle, data)
}

// adaptersOf are the adapters that the person may see, by their application.
func (q *request) adaptersOf() map[string][]adapterRow {
	out := map[string][]adapterRow{}
	_, paused := q.cfg.Hub.Paused()
	for _, a := range q.cfg.Hub.Adapters() {
		if q.person.sight(search.Organisation(a.Application)) >= federation.SightMetadata {
			out[a.Application] = append(out[a.Application], adapterRow{Adapter: a, Paused: paused[a.Name]})
		}
	}
	return out
}

// move tells who must do something for what an application has sent to come in: what
// hinders an adapter goes before what the sender has not done.
func (q *request) move(one *lastHeard) string {
	for i := range one.Adapters {
		a := &one.Adapters[i]
		switch {
		case !a.Source:
		case a.Paused != nil:
			return q.t.MovePaused
		case a.Watched && q.now().Sub(a.Looked) > overdue:
			return q.t.MoveOperator
		case a.Waits > 0 && q.now().Sub(a.Oldest) > overdue:
			return q.t.MoveWaits
		case a.InError > 0:
			return q.t.MoveFiles
		}
	}
	if one.Door > 0 {
		return q.t.MoveDoor
	}
	return q.t.MoveSender
}
