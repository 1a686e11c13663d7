package open311

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// atOnce is how many reports are asked for in one question.
const atOnce = 50

// forwarded is one look at the reports that the sink has filed: what the hub does not
// know of them yet it is told, and the old ones are forgotten.
func (r *run) forwarded(ctx context.Context) error {
	b, err := openBook(r.set.Dir)
	if err != nil {
		return err
	}
	if r.swept.IsZero() {
		r.checkServices(ctx)
		r.swept = r.now()
	}
	ids, err := b.ids()
	if err != nil {
		return err
	}
	batch, fails := map[string][]followed{}, &failures{}
	for _, id := range ids {
		f, err := r.ready(ctx, b, id)
		if err := fails.add(ctx, err); err != nil {
			return err
		}
		if err != nil || f == nil {
			continue
		}
		// Two records can have one id there: what was taken for new was a double.
		if batch[f.ID] = append(batch[f.ID], followed{id, f}); len(batch) == atOnce {
			if err := r.follow(ctx, b, batch, fails); err != nil {
				return err
			}
			clear(batch)
		}
	}
	err = r.follow(ctx, b, batch, fails)
	return errors.Join(fails.late, err)
}

// failures are those of single reports in a round: the server's for one hold up no
// other, many in a row mean that it is away.
type failures struct {
	late error
	row  int
}

const manyFailures = 5

// add gives back what ends the round.
func (f *failures) add(ctx context.Context, err error) error {
	if err == nil {
		f.row = 0
		return nil
	}
	_, server := errors.AsType[*georeport.Error](err)
	if f.row++; !server || f.row >= manyFailures || ctx.Err() != nil {
		return err
	}
	f.late = err
	return nil
}

// ready gives a report that can be asked for by its id, once the hub knows that it is
// filed; nil for the others.
func (r *run) ready(ctx context.Context, b *book, id string) (*forward, error) {
	f, err := b.get(id)
	if err != nil { // one that is damaged holds up no other
		return nil, r.setAside("weiterleitung-"+id, "record-damaged", "the record of a forwarded report is damaged: restore it from a backup, or remove it")
	}
	switch {
	case f == nil:
		return nil, nil
	case f.Phase != filed && f.At.Before(r.now().Add(-booksKept)): // no delivery comes again so late
		return nil, b.remove(id)
	case f.Phase != filed:
		return nil, nil
	}
	if err := r.confirm(ctx, b, id, f); err != nil {
		return nil, err
	}
	if r.over(f) {
		return nil, b.remove(id)
	}
	if f.ID == "" {
		return nil, nil
	}
	return f, nil
}

// followed is a forwarded report with the name of its record.
type followed struct {
	id string
	*forward
}

// over tells whether nothing more is to be expected of a report.
func (r *run) over(f *forward) bool {
	if len(f.Owed) > 0 {
		return false
	}
	old := r.now().Add(-booksKept)
	gone := func(t time.Time) bool { return !t.IsZero() && t.Before(old) }
	return gone(f.Closed) || gone(f.Lost) || f.ID == "" && gone(f.At)
}

// checkServices says at the start which of the settings' services the server lacks.
func (r *run) checkServices(ctx context.Context) {
	list, err := services(ctx, r.client)
	if err != nil {
		r.log.Warn("open311: the service list cannot be read", zap.Error(err))
		return
	}
	for _, code := range r.set.Services {
		if _, known := list[code]; !known {
			r.log.Error("open311: the server has no service with the service_code that the setting services names", zap.String("service_code", code))
		}
	}
}

// confirm tells that the other system has a report, and gets the id for its token.
func (r *run) confirm(ctx context.Context, b *book, id string, f *forward) error {
	if f.ID == "" && !f.ToldToken {
		if err := r.tellConfirmed(ctx, f, f.At, f.Token); err != nil {
			return err
		}
		f.ToldToken = true
		if err := b.put(id, f); err != nil {
			return err
		}
	}
	if f.ID == "" && f.Token != "" {
		if err := r.exchange(ctx, b, id, f); err != nil {
			return err
		}
	}
	if f.ID == "" || f.ToldID {
		return nil
	}
	if err := r.tellConfirmed(ctx, f, f.At, f.ID); err != nil {
		return err
	}
	f.ToldID = true
	return b.put(id, f)
}

func (r *run) tellConfirmed(ctx context.Context, f *forward, at time.Time, ident string) error {
	data := confirmedData{Meldung: f.Meldung, Kennung: f.ID, Token: f.Token, Ohne: f.Without, Bestatigt: stamp(at)}
	e, err := r.set.event(matter{f.Case, f.Cause}, typeConfirmed, at, data, f.Cause, ident)
	if err != nil {
		return err
	}
	return r.publish(ctx, f.Case, e)
}

// exchange asks for the id that belongs to a token; there may be none yet.
func (r *run) exchange(ctx context.Context, b *book, id string, f *forward) error {
	a, err := r.client.Get(ctx, nil, "tokens", f.Token)
	if err != nil {
		if e := georeport.ErrorOf(err); e.Code != georeport.NotFound {
			return e.Fault("ask for the id of a token")
		}
		return nil
	}
	for _, e := range a.Entries {
		given := e.Fields["service_request_id"]
		if given != "" && answerID(given) && (e.Fields["token"] == f.Token || e.Fields["token"] == "") {
			f.ID = given
			return b.put(id, f)
		}
	}
	return nil
}
