package open311

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// follow asks for a batch of reports, by their ids there. Those that the answer lacks are
// each asked for alone: only then the server does not show them. What it did not show
// before is kept apart, since one of them can spoil the question for the others.
func (r *run) follow(ctx context.Context, b *book, batch map[string][]followed, fails *failures) error {
	shown, lost := []string{}, []string{}
	for _, id := range slices.Sorted(maps.Keys(batch)) {
		if batch[id][0].Lost.IsZero() {
			shown = append(shown, id)
		} else {
			lost = append(lost, id)
		}
	}
	for _, ids := range [][]string{shown, lost} {
		if err := r.group(ctx, b, batch, ids, fails); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) group(ctx context.Context, b *book, batch map[string][]followed, ids []string, fails *failures) error {
	found, refused, err := r.together(ctx, ids)
	if err := fails.add(ctx, err); err != nil {
		return err
	}
	if err != nil { // the server is away, or busy
		return nil
	}
	for _, id := range ids {
		if found[id] == nil && !refused && !batch[id][0].Lost.IsZero() {
			continue
		}
		if err := fails.add(ctx, r.one(ctx, b, batch[id], found[id])); err != nil {
			return err
		}
	}
	return nil
}

// refusals are how servers answer to a question for many, for one id that they do not
// know or for its length.
var refusals = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusRequestURITooLong}

// together asks for many reports in one question; refused tells that each has to be asked
// for alone.
func (r *run) together(ctx context.Context, ids []string) (found map[string]georeport.Fields, refused bool, err error) {
	single := func(id string) bool { return strings.Contains(id, ",") } // it would be two
	if len(ids) == 0 || slices.ContainsFunc(ids, single) {
		return nil, true, nil
	}
	query := url.Values{r.set.Details.IDs: {strings.Join(ids, ",")}}
	for name, value := range r.set.Details.Query {
		query.Set(name, value)
	}
	a, err := identified(r.client.Get(ctx, query, "requests"))
	if err != nil {
		e := georeport.ErrorOf(err)
		if slices.Contains(refusals, e.Status) {
			return nil, true, nil
		}
		return nil, false, e.Fault("read forwarded reports")
	}
	found = map[string]georeport.Fields{}
	for _, e := range a.Entries {
		found[e.Fields["service_request_id"]] = e.Fields
	}
	return found, false, nil
}

// identified refuses a list of which no entry names its report: it has another shape than
// is known, and taking it for a list of bad entries, or of none, would hide that.
func identified(a *georeport.Answer, err error) (*georeport.Answer, error) {
	named := func(e georeport.Entry) bool { return e.Fields["service_request_id"] != "" }
	if err == nil && len(a.Entries) > 0 && !slices.ContainsFunc(a.Entries, named) {
		return nil, &georeport.Error{Code: georeport.Unreadable, Status: http.StatusOK, Err: errNoID}
	}
	return a, err
}

var errNoID = errors.New("no entry of the list has a service_request_id")

// one looks at a report, with all the records that name it.
func (r *run) one(ctx context.Context, b *book, records []followed, fields georeport.Fields) error {
	if fields == nil {
		var err error
		if fields, err = r.request(ctx, records[0].ID); err != nil {
			return err
		}
	}
	for _, f := range records {
		if err := r.state(ctx, b, f, fields); err != nil {
			return err
		}
	}
	return nil
}
