package console

import (
	"context"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// maxFeed is how many of the newest events are held for all who follow the live tail; when
// more come between two looks, the page says so.
const maxFeed = 8000

// feedRest ends the feed when nobody has followed for so long.
const feedRest = 10 * time.Second

// feed is what came last, read once for all.
type feed struct {
	turn   chan struct{} // holds one while somebody reads
	at     time.Time
	floor  search.Place   // what came before it is not held
	newest search.Place   // up to here it is read
	events []search.Event // the newest first
}

// since gives what came behind a place, the newest first, and up to where; whole tells
// that nothing between was left out.
func (s *Server) since(ctx context.Context, behind search.Place) (events []search.Event, upTo search.Place, whole bool, err error) {
	f := &s.feed
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, behind, false, ctx.Err()
	}
	defer func() { <-f.turn }()
	if age := time.Since(f.at); age > boardFor {
		if err := f.read(s.cfg.Hub.Search(), behind, age > feedRest); err != nil {
			return nil, behind, false, err
		}
		f.at = time.Now()
	}
	n := 0
	for n < len(f.events) && f.events[n].Place.After(behind) {
		n++
	}
	return f.events[:n:n], f.newest, !f.floor.After(behind), nil
}

// read adds what is new; anew begins with where the one who asks has got to, or with the
// last event that is there.
func (f *feed) read(x *search.Index, behind search.Place, anew bool) error {
	switch {
	case anew && behind != (search.Place{}):
		f.events, f.floor, f.newest = nil, behind, behind
	case anew:
		last, _, err := x.Newer(search.Place{}, 1)
		if err != nil {
			return err
		}
		f.events, f.floor, f.newest = nil, search.Place{}, search.Place{}
		if len(last) > 0 {
			f.floor, f.newest = last[0].Place, last[0].Place
		}
		return nil
	}
	fresh, more, err := x.Newer(f.newest, maxFeed)
	if err != nil || len(fresh) == 0 {
		return err
	}
	f.newest = fresh[0].Place
	if more {
		f.floor = fresh[len(fresh)-1].Place
		f.events = fresh
		return nil
	}
	f.events = slices.Concat(fresh, f.events)
	if len(f.events) > maxFeed {
		f.floor = f.events[maxFeed].Place
		f.events = slices.Clone(f.events[:maxFeed])
	}
	return nil
}
