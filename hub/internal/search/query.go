package search

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Query narrows events down; what is zero does not.
type Query struct {
	Organisation string // sender or receiver
	Application  string // sender or receiver
	Type         string
	Case         string
	Outcome      hub.Outcome
	From, To     time.Time // when it was decided
	// Behind is the place behind which the answer goes on.
	Behind Place
	// Limit is how many events an answer holds; 0 is 50.
	Limit int
}

// Answer is a page of events.
type Answer struct {
	Events []Event
	// More is where the next page begins; the zero Place when there is none. The page
	// may hold fewer than Limit all the same: a search reads at most maxScan events.
	More Place
}

// InQuarantine stands in Query.Outcome for all that went into quarantine: refused, and
// without an agreement.
const InQuarantine hub.Outcome = "in-quarantine"

func (q *Query) ended(e *Event) bool {
	if q.Outcome == InQuarantine {
		return (e.Outcome == hub.Quarantined || e.Outcome == hub.Unrouted) && !e.Code.ByPerson()
	}
	return e.Outcome == q.Outcome
}

const (
	defaultLimit = 50
	maxScan      = 5000
)

// Find gives events, the newest first.
func (x *Index) Find(q Query) (Answer, error) {
	return guarded(x.guard, func() (Answer, error) { return x.find(q) })
}

func (x *Index) find(q Query) (a Answer, err error) {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	prefix := []byte{keyEvent}
	if q.Organisation != "" {
		prefix = key(keyOrg, hashed(q.Organisation))
	}
	begin := prefix
	if q.Behind != (Place{}) {
		begin = joined(prefix, q.Behind.newestFirst(), []byte{0})
	}
	scanned := 0
	err = x.each(prefix, begin, func(k, v []byte) (bool, error) {
		at := readNewest(k[len(prefix):])
		e, err := x.event(at, v)
		if err != nil || e == nil {
			return true, err
		}
		scanned++
		if !q.From.IsZero() && e.Decided.Before(q.From.Add(-time.Minute)) { // the trail is about in the order of time
			return false, nil
		}
		if q.fits(e) {
			a.Events = append(a.Events, *e)
		}
		if len(a.Events) == q.Limit || scanned == maxScan {
			a.More = at
			return false, nil
		}
		return true, nil
	})
	return a, err
}

func (q *Query) fits(e *Event) bool {
	switch {
	case q.Application != "" && !q.involves(e),
		q.Type != "" && e.Type != q.Type,
		q.Case != "" && e.Case != q.Case,
		q.Outcome != "" && !q.ended(e),
		!q.From.IsZero() && e.Decided.Before(q.From),
		!q.To.IsZero() && !e.Decided.Before(q.To):
		return false
	}
	return true
}

// involves tells whether the application has sent the event or was given a copy. Of the
// copies an organisation knows its own, and all of what it has sent.
func (q *Query) involves(e *Event) bool {
	if e.Application == q.Application {
		return true
	}
	knows := q.Organisation == "" || Organisation(q.Application) == q.Organisation || Sender(e.In) == q.Organisation
	return knows && slices.Contains(e.Receivers, q.Application)
}

// MaxCase is how many events of a case are shown.
const MaxCase = 500

// maxCaseScan is how many events of a case are looked at for those.
const maxCaseScan = 50_000

// Case gives the events of a case that fit, in the order in which they were decided: the
// first MaxCase of them.
func (x *Index) Case(id string, fits func(*Event) bool) ([]Event, error) {
	return guarded(x.guard, func() ([]Event, error) { return x.ofCase(id, fits) })
}

func (x *Index) ofCase(id string, fits func(*Event) bool) (out []Event, err error) {
	scanned := 0
	prefix := key(keyCase, hashed(id))
	err = x.each(prefix, prefix, func(k, _ []byte) (bool, error) {
		e, err := x.event(readOldest(k[len(prefix):]), nil)
		if err == nil && e != nil && e.Case == id && fits(e) {
			out = append(out, *e)
		}
		scanned++
		return len(out) < MaxCase && scanned < maxCaseScan, err
	})
	return out, err
}

// maxRecords is how many records of one id are looked at.
const maxRecords = 200

// Records tells where the trail says something of an event id, in its order. An id of
// many more records than an event has is told of by the first ones.
func (x *Index) Records(id string) ([]uint64, error) {
	return guarded(x.guard, func() ([]uint64, error) { return x.records(id) })
}

func (x *Index) records(id string) (seqs []uint64, err error) {
	prefix := key(keyID, hashed(id))
	err = x.each(prefix, prefix, func(k, _ []byte) (bool, error) {
		seq := readOldest(k[len(prefix):]).Seq
		if n := len(seqs); n == 0 || seqs[n-1] != seq {
			seqs = append(seqs, seq)
		}
		return len(seqs) < maxRecords, nil
	})
	return seqs, err
}

// Copies gives what became of an event's copies, in the order in which it was recorded.
func (x *Index) Copies(in string, seq uint64) ([]Copy, error) {
	return guarded(x.guard, func() ([]Copy, error) { return x.copies(in, seq) })
}

func (x *Index) copies(in string, seq uint64) (out []Copy, err error) {
	prefix := copyKey(in, seq)
	err = x.each(prefix, prefix, func(_, v []byte) (bool, error) {
		var c Copy
		err := json.Unmarshal(v, &c)
		out = append(out, c)
		return len(out) < maxRecords, err
	})
	return out, err
}

// Acts gives what people had the hub do, the newest first, behind a place; more is where
// the next page begins, the zero Place when there is none.
func (x *Index) Acts(behind Place, limit int) (out []decision.Act, more Place, err error) {
	_, err = guarded(x.guard, func() (struct{}, error) {
		out, more, err = x.acts(behind, limit)
		return struct{}{}, err
	})
	return out, more, err
}

func (x *Index) acts(behind Place, limit int) (out []decision.Act, more Place, err error) {
	prefix, last := []byte{keyAct}, Place{}
	begin := prefix
	if behind != (Place{}) {
		begin = joined(prefix, behind.newestFirst(), []byte{0})
	}
	err = x.each(prefix, begin, func(k, v []byte) (bool, error) {
		if len(out) == limit {
			more = last
			return false, nil
		}
		var a decision.Act
		if json.Unmarshal(v, &a) == nil {
			out, last = append(out, a), readNewest(k[len(prefix):])
		}
		return true, nil
	})
	return out, more, err
}

// event reads an event whose value may be at hand; nil when it is forgotten.
func (x *Index) event(at Place, raw []byte) (*Event, error) {
	if len(raw) == 0 {
		var err error
		if raw, err = x.get(key(keyEvent, at.newestFirst())); err != nil || raw == nil {
			return nil, err
		}
	}
	e := &Event{Place: at}
	if err := json.Unmarshal(raw, e); err != nil {
		return nil, fmt.Errorf("read the search index: %w", err)
	}
	return e, nil
}

// each gives the keys with a prefix, from begin on, until fn says no more.
func (x *Index) each(prefix, begin []byte, fn func(key, value []byte) (bool, error)) (err error) {
	x.reading.RLock()
	defer x.reading.RUnlock()
	if x.closed {
		return errClosed
	}
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: begin, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		more, err := fn(it.Key(), it.Value())
		if err != nil || !more {
			return err
		}
	}
	return it.Error()
}
