package open311

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

// names are the parameters of a window: from, and to where the server has one.
type names struct{ from, to string }

var byRequested = names{"start_date", "end_date"}

func (d dialect) byUpdated() names {
	if d.UpdatedFrom != "" {
		return names{d.UpdatedFrom, d.UpdatedTo}
	}
	return byRequested
}

// window is a time of which reports are asked for.
type window struct {
	from, to time.Time
	names    names
	resource string // requests when empty
}

// maxSpan is what one question may span (GeoReport v2: not more than 90 days).
const maxSpan = 89 * day

// pageOverlap is how many entries of a page are asked for again with the next: one
// that vanishes moves those behind it forward.
const pageOverlap = 5

type taker func(context.Context, georeport.Entry) error

// read gives every entry of a window to take, in parts that the server gives whole.
// date is the server's clock at the first question.
func (r *run) read(ctx context.Context, w window, take taker) (date time.Time, err error) {
	r.questions = 0
	for from := w.from; from.Before(w.to); from = from.Add(maxSpan) {
		part := w
		if part.from = from; w.to.Sub(from) > maxSpan {
			part.to = from.Add(maxSpan)
		}
		at, err := r.part(ctx, part, take)
		if err != nil {
			return date, err
		}
		if date.IsZero() {
			date = at
		}
	}
	return date, nil
}

// part reads a window that one question may span.
func (r *run) part(ctx context.Context, w window, take taker) (date time.Time, err error) {
	if r.set.Details.OffsetName != "" && w.resource == "" {
		return r.pages(ctx, w, take)
	}
	a, err := r.ask(ctx, w, 0)
	if err != nil {
		return date, err
	}
	half := w.to.Sub(w.from) / 2
	cut := len(a.Entries) >= r.set.Details.Limit && half >= time.Second
	if w.resource != "" { // updates are steps: the older ones first
		r.byTime(a.Entries)
	}
	if !cut || w.resource == "" {
		if err := each(ctx, a.Entries, take); err != nil {
			return a.Date, err
		}
	}
	if cut {
		// The server may have cut the answer: each half for itself.
		first, second := w, w
		first.to = w.from.Add(half)
		second.from = first.to
		if _, err := r.part(ctx, first, take); err != nil {
			return a.Date, err
		}
		_, err := r.part(ctx, second, take)
		return a.Date, err
	}
	if len(a.Entries) >= r.set.Details.Limit {
		r.log.Error("open311: one second has more entries than the server gives in an answer; some may be missing",
			zap.Int("limit", r.set.Details.Limit), zap.Time("from", w.from))
	}
	return a.Date, nil
}

// pages reads a window page by page.
func (r *run) pages(ctx context.Context, w window, take taker) (date time.Time, err error) {
	last := ""
	for offset := 0; ; {
		a, err := r.ask(ctx, w, offset)
		if err != nil {
			return date, err
		}
		if offset == 0 {
			date = a.Date
		}
		if err := each(ctx, a.Entries, take); err != nil {
			return date, err
		}
		// A server may give fewer than it is asked for, and have more.
		n := len(a.Entries)
		if n == 0 || n < r.set.Details.Limit && offset+n >= a.Total {
			return date, nil
		}
		first := a.Entries[0].Fields["service_request_id"]
		if offset > 0 && first != "" && first == last {
			return date, hub.Retryable("pages-alike", "read pages: the server gives the same page at another offset (setting details.offset-parameter)")
		}
		last = first
		n = min(n, r.set.Details.Limit)
		offset += max(n-pageOverlap, n/2, 1)
	}
}

// byTime sorts by updated_datetime; what has none comes first, as it would not be told
// after a later one.
func (r *run) byTime(entries []georeport.Entry) {
	at := func(e georeport.Entry) time.Time {
		t, _ := georeport.Time(e.Fields["updated_datetime"], r.set.zone)
		return t
	}
	slices.SortStableFunc(entries, func(a, b georeport.Entry) int { return at(a).Compare(at(b)) })
}

// maxQuestions is how many a window may take: a server that heeds no dates gives a full
// answer for every part of it.
const maxQuestions = 2000

func each(ctx context.Context, entries []georeport.Entry, take taker) error {
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := take(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) ask(ctx context.Context, w window, offset int) (*georeport.Answer, error) {
	d := r.set.Details
	if r.questions++; r.questions > r.most {
		return nil, hub.Retryable("answers-without-end", "read a window: %d questions were not enough; does the server heed %s?", r.most, w.names.from)
	}
	q := url.Values{}
	q.Set(w.names.from, georeport.Stamp(w.from))
	if w.names.to != "" {
		q.Set(w.names.to, georeport.Stamp(w.to.Add(time.Second-1)))
	}
	resource := w.resource
	if resource == "" {
		resource = "requests"
		for name, value := range d.Query {
			q.Set(name, value)
		}
		if d.LimitName != "" {
			q.Set(d.LimitName, strconv.Itoa(d.Limit))
		}
		if d.OffsetName != "" {
			q.Set(d.OffsetName, strconv.Itoa(offset))
		}
	}
	a, err := identified(r.client.Get(ctx, q, resource))
	if e := georeport.ErrorOf(err); err != nil && d.EmptyIs404 && e.Status == http.StatusNotFound {
		return &georeport.Answer{}, nil
	}
	if err != nil {
		return nil, georeport.ErrorOf(err).Fault("read " + resource)
	}
	return a, nil
}
