package open311

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

// origin is where an entry comes from.
type origin struct {
	begin  time.Time // a report that is new, but older than this, is only remembered
	update bool      // one of the updates that the server tells apart
}

// take tells the hub what an entry has that it does not know yet.
func (r *run) take(ctx context.Context, e georeport.Entry, from origin) error {
	if e.Bad != "" {
		return r.setAside(nameOf(e), "unreadable", e.Bad)
	}
	rep, why := r.set.read(e.Fields)
	if why != "" {
		return r.setAside(nameOf(e), "unmappable", why)
	}
	known, err := r.memory.report(ctx, rep.ID)
	switch {
	case err != nil:
	case known == nil && oldest(rep).Before(from.begin):
		return r.memory.remember(ctx, rep.ID, rep.told(r.set))
	case known == nil || known.Pending != nil:
		known, err = r.received(ctx, rep, known)
	default:
		err = r.settled(ctx, rep.ID, known)
	}
	if errors.Is(err, errDamaged) {
		return r.damaged(rep.ID)
	} else if err != nil {
		return err
	}
	if r.set.Details.ReadUpdates && !from.update && !r.withoutUpdate(rep, known) {
		return nil // its changes come as updates, with texts that the request does not have
	}
	return r.changed(ctx, rep, known)
}

func oldest(rep *report) time.Time {
	if t, err := time.Parse(time.RFC3339, rep.Eingegangen); err == nil {
		return t
	}
	return rep.updated
}

// told is what is remembered of a report as it is.
func (rep *report) told(set *settings) *told {
	return &told{
		Kategorie: rep.Kategorie, KategorieName: rep.KategorieName, Eingegangen: rep.Eingegangen, Status: rep.Status,
		Reason: rep.Reason, Agency: digest(rep.Agency), Standing: rep.standing(), Extent: rep.extent(), Updated: rep.updated,
	}
}

// received tells of a new report. Its event is remembered before the hub gets it, so
// that each attempt has the same.
func (r *run) received(ctx context.Context, rep *report, known *told) (*told, error) {
	if known == nil {
		e, err := r.receivedEvent(ctx, rep)
		if err != nil {
			return nil, err
		}
		known = rep.told(r.set)
		known.Agency = digest("")
		if rep.Status == geschlossen { // what follows the report is told after it
			known.Status, known.Standing, known.Reason = offen, "", ""
		}
		if known.Pending, err = json.Marshal(e); err != nil {
			return nil, errors.New("write an event: it has no JSON")
		}
		if err := r.memory.remember(ctx, rep.ID, known); err != nil {
			return nil, err
		}
	}
	e := cloudevents.New()
	if json.Unmarshal(known.Pending, &e) != nil {
		return nil, errDamaged
	}
	if err := r.publish(ctx, rep.ID, e); err != nil {
		return nil, err
	}
	known.Pending = nil
	return known, r.memory.remember(ctx, rep.ID, known)
}

func (r *run) receivedEvent(ctx context.Context, rep *report) (hub.Event, error) {
	of := matter{Case: caseOf(r.set.Source, rep.ID)}
	inhalt, err := r.store(ctx, rep)
	if err != nil {
		return hub.Event{}, err
	}
	fotos, err := r.pictures(ctx, rep)
	if err != nil {
		return hub.Event{}, err
	}
	data := receivedData{rep.meldung, rep.content.contains(), inhalt, fotos, rep.expected}
	e, err := r.set.event(of, typeReceived, oldest(rep), data)
	e.SetExtension(hub.AttrDataRef, inhalt.Ref)
	return e, err
}

// store puts what the report says where only the reference leads.
func (r *run) store(ctx context.Context, rep *report) (*original, error) {
	ref, err := r.in.Blobs().Put(ctx, bytes.NewReader(rep.content.bytes()))
	if err != nil {
		return nil, wrap("store the content of a report", err)
	}
	return &original{ref.Ref, ref.SHA256, ref.Size, "application/json"}, nil
}

// publish gives an event to the hub. What the hub refuses for good is set aside, and
// the report goes on.
func (r *run) publish(ctx context.Context, id string, e hub.Event) error {
	err := r.in.Publish(ctx, e)
	if f := hub.FaultOf(err); f != nil && f.Permanent {
		return r.setAside(refusedEvents+digest(id, e.ID()), f.Code, "the hub refuses the event "+e.ID()+" for good")
	}
	return wrap("publish", err)
}

// changed tells what is different from what was told. An older state than that, from
// a copy of the server that lags, is left alone.
func (r *run) changed(ctx context.Context, rep *report, known *told) error {
	next := rep.told(r.set)
	next.Seen, next.Count = known.Seen, known.Count+1
	if next.Standing == known.Standing && next.Extent == known.Extent && next.Agency == known.Agency && next.Updated.Equal(known.Updated) ||
		r.stale(next.Updated, known.Updated) {
		return nil
	}
	events, err := r.differences(ctx, rep, known, next)
	if err != nil {
		return err
	}
	if next.Owed, err = owe(events); err != nil {
		return err
	}
	if err := r.memory.remember(ctx, rep.ID, next); err != nil {
		return err
	}
	return r.settled(ctx, rep.ID, next)
}

// settled tells the hub what it is owed of a report, and remembers that it has it.
func (r *run) settled(ctx context.Context, id string, known *told) error {
	if len(known.Owed) == 0 {
		return nil
	}
	if err := r.settle(ctx, id, known.Owed); err != nil {
		return err
	}
	known.Owed = nil
	return r.memory.remember(ctx, id, known)
}

// stale tells whether a state is older than the one that was told. A time far in the
// future was an error of the server, and must not hide what comes after it is mended.
func (r *run) stale(next, known time.Time) bool {
	return next.Before(known) && known.Before(r.now().Add(day))
}

// endedSince tells whether a report was closed since, or for another reason: a new text
// on a closed one is no second end.
func (rep *report) endedSince(known *told) bool {
	return rep.Status == geschlossen && (known.Status != geschlossen || known.Reason != rep.Reason)
}

// differences makes the events. Their ids are made of what is told and of how much was
// told before, so that the same is told once and a later state, even without a new
// time, is another event.
func (r *run) differences(ctx context.Context, rep *report, known, next *told) (events []hub.Event, err error) {
	of := matter{Case: caseOf(r.set.Source, rep.ID)}
	ident := []string{georeport.Stamp(rep.updated), next.Standing, next.Extent, next.Agency, strconv.Itoa(known.Count)}
	add := func(e hub.Event, err2 error) {
		events, err = append(events, e), errors.Join(err, err2)
	}
	assigned := next.Agency != known.Agency && rep.Agency != ""
	if assigned {
		add(r.set.assigned(of, rep.meldung, rep, ident...))
	}
	switch {
	case rep.endedSince(known):
		add(r.set.ended(of, rep.meldung, rep, ident...))
	case next.Standing != known.Standing || next.Extent != known.Extent || !assigned:
		add(r.changedEvent(ctx, of, rep, known, next, ident))
	}
	return events, err
}

func (r *run) changedEvent(ctx context.Context, of matter, rep *report, known, next *told, ident []string) (hub.Event, error) {
	data := changedData{
		Meldung: rep.meldung, Stand: rep.Status, Einzelstand: rep.Detail, Hinweis: rep.Notes,
		Wieder: rep.Status == offen && known.Status == geschlossen, Geaendert: stamp(rep.updated),
	}
	if next.Extent != known.Extent {
		inhalt, err := r.store(ctx, rep)
		if err != nil {
			return hub.Event{}, err
		}
		data.Inhalt = inhalt
	}
	return r.set.event(of, typeChanged, rep.updated, data, ident...)
}
