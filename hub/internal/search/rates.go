package search

import "time"

// rates knows which ways were used on the last day that was, and how often in each of
// the last minutes.
type rates struct {
	day string
	of  map[string]*[rateMinutes]bucket
}

type bucket struct {
	minute int64
	n      uint64
}

const (
	rateMinutes = 6 // the one underway, and five
	// maxWays bounds what is remembered of a day; ways beyond are counted and not drawn.
	maxWays = 50_000
)

func (r *rates) add(way string, at time.Time) {
	if day := dayOf(at); day != r.day || r.of == nil {
		if day < r.day {
			return // an event of yesterday that was late
		}
		r.day, r.of = day, map[string]*[rateMinutes]bucket{}
	}
	b := r.of[way]
	if b == nil {
		if len(r.of) >= maxWays {
			return
		}
		b = &[rateMinutes]bucket{}
		r.of[way] = b
	}
	minute := at.Unix() / 60
	slot := &b[minute%rateMinutes]
	if slot.minute != minute {
		*slot = bucket{minute: minute}
	}
	slot.n++
}

// restore notes a way of a day; days come in their order.
func (r *rates) restore(day, way string) {
	if day < r.day {
		return
	}
	if day != r.day || r.of == nil {
		r.day, r.of = day, map[string]*[rateMinutes]bucket{}
	}
	if r.of[way] == nil && len(r.of) < maxWays {
		r.of[way] = &[rateMinutes]bucket{}
	}
}

func (r *rates) today(day string) map[string]*[rateMinutes]bucket {
	if r.day != day {
		return nil
	}
	return r.of
}

func (r *rates) minute(way string, now time.Time) float64 {
	b := r.of[way]
	if b == nil {
		return 0
	}
	sum, last := uint64(0), now.Unix()/60
	for _, s := range b {
		if s.minute < last && s.minute >= last-(rateMinutes-1) {
			sum += s.n
		}
	}
	return float64(sum) / (rateMinutes - 1)
}
