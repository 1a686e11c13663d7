package open311

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// updates reads the changes that a server tells apart from the requests (FixMyStreet:
// servicerequestupdates).
func (r *run) updates(ctx context.Context, now time.Time) error {
	w := window{names: byRequested, resource: r.set.Details.Updates}
	return r.since(ctx, keyUpdates, now, w, func(ctx context.Context, e georeport.Entry) error {
		err := r.update(ctx, e)
		if _, server := errors.AsType[*georeport.Error](err); server { // one report that the server cannot give
			r.late = err
			return ctx.Err()
		}
		return err
	})
}

// update applies one of them to its report: an update has a status, a time and a
// text, which may be anybody's and is kept apart.
func (r *run) update(ctx context.Context, e georeport.Entry) error {
	id := e.Fields["service_request_id"]
	if e.Bad != "" || !idForm.MatchString(id) {
		return r.setAside(nameOf(e), "unmappable", cmp.Or(e.Bad, "an update has no service_request_id of the form "+idForm.String()))
	}
	known, err := r.memory.report(ctx, id)
	if errors.Is(err, errDamaged) {
		return r.damaged(id)
	} else if err != nil {
		return err
	}
	at, err := georeport.Time(e.Fields["updated_datetime"], r.set.zone)
	if known != nil && (slices.Contains(known.Seen, updateOf(e.Fields)) || err == nil && r.stale(at, known.Updated)) {
		return nil
	}
	request, err := r.request(ctx, id)
	if err != nil || request == nil {
		return err
	}
	for _, name := range []string{"status", "updated_datetime"} {
		if v := e.Fields[name]; v != "" {
			request[name] = v
		}
	}
	request["status_notes"] = e.Fields["description"]
	if err := r.take(ctx, georeport.Entry{Fields: request}, origin{update: true}); err != nil {
		return err
	}
	return r.remembered(ctx, id, e.Fields)
}

func updateOf(f georeport.Fields) string {
	return digest(f["update_id"], f["updated_datetime"], f["status"])
}

// updatesSeen is how many updates of a report are remembered: several can have the same
// second, and each look sees those of the overlap again.
const updatesSeen = 50

// remembered notes that the update was told.
func (r *run) remembered(ctx context.Context, id string, f georeport.Fields) error {
	known, err := r.memory.report(ctx, id)
	if err != nil || known == nil {
		return err
	}
	known.Seen = append(known.Seen, updateOf(f))
	known.Seen = known.Seen[max(0, len(known.Seen)-updatesSeen):]
	return r.memory.remember(ctx, id, known)
}

// request reads one report; nil when the server has none of that id.
func (r *run) request(ctx context.Context, id string) (georeport.Fields, error) {
	query := url.Values{}
	for name, value := range r.set.Details.Query {
		query.Set(name, value)
	}
	a, err := identified(r.client.Get(ctx, query, "requests", id))
	if e := georeport.ErrorOf(err); err != nil && e.Code == georeport.NotFound {
		return nil, nil
	} else if err != nil {
		return nil, e.Fault("read a request")
	}
	for _, e := range a.Entries {
		if e.Fields["service_request_id"] == id {
			return e.Fields, nil
		}
	}
	return nil, nil
}
