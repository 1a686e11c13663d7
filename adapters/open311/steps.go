package open311

import (
	"context"
	"errors"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

// state tells what is different of a report from what was told.
func (r *run) state(ctx context.Context, b *book, f followed, fields georeport.Fields) error {
	if err := r.settledForward(ctx, b, f); err != nil {
		return err
	}
	if fields == nil {
		if !f.Lost.IsZero() {
			return nil
		}
		f.Lost = r.now().UTC()
		r.log.Warn("open311: the server does not show a forwarded report", zap.String("weiterleitung", f.id))
		return b.put(f.id, f.forward)
	}
	rep, why := r.set.read(foreign(fields))
	if why != "" {
		return r.setAside("weiterleitung-"+f.id, "unmappable", why)
	}
	known := &told{Status: f.Status, Reason: f.Reason, Standing: f.Standing, Agency: f.Agency, Updated: f.Updated}
	next := &told{Status: rep.Status, Standing: rep.standing(), Agency: digest(rep.Agency), Updated: rep.updated}
	same := next.Standing == known.Standing && next.Agency == known.Agency
	if (same && f.Lost.IsZero()) || r.stale(next.Updated, known.Updated) {
		return nil
	}
	if f.Standing == "" { // the first look: an open report without a word is what confirmed says
		known.Status, known.Reason, known.Standing, known.Agency = offen, "", digest(offen, "", "", ""), digest("")
	}
	events, err := r.steps(f, rep, known, next)
	if err != nil {
		return err
	}
	if f.Owed, err = owe(events); err != nil {
		return err
	}
	f.Count++
	f.Reason = rep.Reason
	f.Status, f.Standing, f.Agency, f.Updated, f.Lost, f.Closed = next.Status, next.Standing, next.Agency, next.Updated, time.Time{}, time.Time{}
	if rep.Status == geschlossen {
		f.Closed = r.now().UTC()
	}
	if err := b.put(f.id, f.forward); err != nil {
		return err
	}
	return r.settledForward(ctx, b, f)
}

// settledForward tells the hub what it is owed of a forwarded report, and notes on disk
// that it has it.
func (r *run) settledForward(ctx context.Context, b *book, f followed) error {
	if len(f.Owed) == 0 {
		return nil
	}
	err := r.settle(ctx, f.Case, f.Owed)
	if errors.Is(err, errDamaged) {
		err = r.setAside("weiterleitung-"+f.id+"-ereignis", "record-damaged", "the record of a forwarded report holds an event that cannot be read: restore it from a backup; what it told is passed over")
	}
	if err != nil {
		return err
	}
	f.Owed = nil
	return b.put(f.id, f.forward)
}

// steps makes the events of a forwarded report: it keeps the names that our own portal
// gave it.
func (r *run) steps(f followed, rep *report, known, next *told) (events []hub.Event, err error) {
	of := matter{f.Case, f.Cause}
	ident := []string{f.Cause, georeport.Stamp(rep.updated), next.Standing, next.Agency, strconv.Itoa(f.Count)}
	add := func(e hub.Event, one error) {
		events = append(events, e)
		if one != nil {
			err = one
		}
	}
	if next.Agency != known.Agency && rep.Agency != "" {
		add(r.set.assigned(of, f.Meldung, rep, ident...))
	}
	switch {
	case next.Standing == known.Standing:
	case rep.endedSince(known):
		add(r.set.ended(of, f.Meldung, rep, ident...))
	default:
		add(r.set.event(of, typeChanged, rep.updated, changedData{
			Meldung: f.Meldung, Stand: rep.Status, Einzelstand: rep.Detail, Hinweis: rep.Notes,
			Wieder: known.Status == geschlossen, Geaendert: stamp(rep.updated),
		}, ident...))
	}
	return events, err
}

// foreign makes the id of another system one that can be read: it is not told.
func foreign(f georeport.Fields) georeport.Fields {
	out := georeport.Fields{}
	for name, value := range f {
		out[name] = value
	}
	out["service_request_id"], out["service_code"] = "x", "x"
	return out
}
