package index

import (
	"cmp"
	"slices"
)

// reach knows which messages of TRAIL were taken in. Writers tell of their own
// records in any order, so there can be gaps for a while: only what lies
// before the first gap counts as read.
type reach struct {
	upTo  uint64 // all up to here were taken in
	above []span // more that were, in order, apart from each other and upTo
}

type span struct{ from, to uint64 }

func (r *reach) has(seq uint64) bool {
	if seq <= r.upTo {
		return true
	}
	for _, s := range r.above {
		if s.from <= seq && seq <= s.to {
			return true
		}
	}
	return false
}

func (r *reach) add(from, to uint64) {
	if from <= r.upTo+1 {
		r.upTo = max(r.upTo, to)
	} else if n := len(r.above); n > 0 && r.above[n-1].from <= from && from <= r.above[n-1].to+1 {
		r.above[n-1].to = max(r.above[n-1].to, to)
		return
	} else {
		i, _ := slices.BinarySearchFunc(r.above, from, func(s span, from uint64) int { return cmp.Compare(s.from, from) })
		r.above = slices.Insert(r.above, i, span{from, to})
		r.join()
	}
	for len(r.above) > 0 && r.above[0].from <= r.upTo+1 {
		r.upTo = max(r.upTo, r.above[0].to)
		r.above = slices.Delete(r.above, 0, 1)
	}
}

// join makes one of spans that touch.
func (r *reach) join() {
	out := r.above[:1]
	for _, s := range r.above[1:] {
		if last := &out[len(out)-1]; s.from <= last.to+1 {
			last.to = max(last.to, s.to)
		} else {
			out = append(out, s)
		}
	}
	r.above = out
}
