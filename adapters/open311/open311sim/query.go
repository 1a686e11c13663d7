package open311sim

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errQuery = errors.New("the question cannot be read")

// span is a time of which something is asked for; zero ends are open.
type span struct{ from, to time.Time }

func (w span) has(t time.Time) bool {
	return (w.from.IsZero() || !t.Before(w.from)) && (w.to.IsZero() || !t.After(w.to))
}

func spanOf(q url.Values, from, to string) (w span, err error) {
	for name, at := range map[string]*time.Time{from: &w.from, to: &w.to} {
		if text := q.Get(name); name != "" && text != "" {
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return w, errQuery
			}
		}
	}
	return w, nil
}

// updatedNames are the parameters by which a dialect asks for changes.
func (s *Server) updatedNames() (from, to string) {
	switch s.set.Dialect {
	case "mark-a-spot":
		return "updated", ""
	case "klarschiff":
		return "updated_after", "updated_before"
	}
	return "", ""
}

// list answers GET requests (GeoReport v2, GET Service Requests): not more than 90 days
// and not more than the limit. one is true for GET requests/{id}.
func (s *Server) list(q url.Values, one bool) (shown []*Report, total int, err error) {
	requested, err := spanOf(q, "start_date", "end_date")
	if err != nil || !requested.from.IsZero() && !requested.to.IsZero() && requested.to.Sub(requested.from) > 90*24*time.Hour {
		return nil, 0, errQuery
	}
	from, to := s.updatedNames()
	updated, err := spanOf(q, from, to)
	if err != nil {
		return nil, 0, err
	}
	ids := strings.Split(q.Get("service_request_id"), ",")
	if q.Get("service_request_id") == "" {
		ids = nil
	}
	if requested == (span{}) && updated == (span{}) {
		requested.from = s.now().Add(-90 * 24 * time.Hour)
	}
	var found []*Report
	for _, r := range s.reports {
		if r.Hidden || r.ID == "" {
			continue
		}
		if ids != nil && slices.Contains(ids, r.ID) && (one || s.shown(q, r)) ||
			ids == nil && requested.has(r.Requested) && updated.has(r.Updated) && fits(q, r) && s.shown(q, r) {
			found = append(found, r)
		}
	}
	shown, err = s.page(found, q)
	return shown, len(found), err
}

// shown tells whether a list has a report without being asked for its status: that of
// Klarschiff has open ones alone.
func (s *Server) shown(q url.Values, r *Report) bool {
	return s.set.Dialect != "klarschiff" || slices.Contains(strings.Split(cmp.Or(q.Get("status"), "open"), ","), r.Status)
}

func fits(q url.Values, r *Report) bool {
	of := func(name, value string) bool {
		return q.Get(name) == "" || slices.Contains(strings.Split(q.Get(name), ","), value)
	}
	return of("service_code", r.Service) && of("status", r.Status)
}

// page sorts the newest change first, and cuts.
func (s *Server) page(found []*Report, q url.Values) ([]*Report, error) {
	slices.SortStableFunc(found, func(a, b *Report) int { return b.Updated.Compare(a.Updated) })
	limit, offset := s.set.Limit, 0
	if s.set.Dialect == "mark-a-spot" {
		for name, n := range map[string]*int{"limit": &limit, "offset": &offset} {
			if text := q.Get(name); text != "" {
				given, err := strconv.Atoi(text)
				if err != nil || given < 0 {
					return nil, errQuery
				}
				*n = given
			}
		}
		limit = min(limit, s.set.Limit)
	}
	found = found[min(offset, len(found)):]
	return found[:min(limit, len(found))], nil
}
