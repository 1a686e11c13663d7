package search

// Newer gives the newest events behind a place, the newest first: at most limit. More
// tells that there are others, which are older than those.
func (x *Index) Newer(behind Place, limit int) (events []Event, more bool, err error) {
	type answer struct {
		events []Event
		more   bool
	}
	a, err := guarded(x.guard, func() (a answer, err error) {
		prefix := []byte{keyEvent}
		err = x.each(prefix, prefix, func(k, v []byte) (bool, error) {
			at := readNewest(k[1:])
			if !at.After(behind) {
				return false, nil
			}
			if len(a.events) == limit {
				a.more = true
				return false, nil
			}
			e, err := x.event(at, v)
			if err == nil && e != nil {
				a.events = append(a.events, *e)
			}
			return true, err
		})
		return a, err
	})
	return a.events, a.more, err
}

// After tells whether p is recorded behind other.
func (p Place) After(other Place) bool {
	return p.Seq > other.Seq || p.Seq == other.Seq && p.Pos > other.Pos
}

// Fits tells whether an event is one of those that the query asks for.
func (q *Query) Fits(e *Event) bool {
	return (q.Organisation == "" || e.Concerns(q.Organisation)) && q.fits(e)
}
