package decision

import "time"

// Attempt is one attempt of the hub to hand a copy over.
type Attempt struct {
	// N is its number, from 1 as far as the hub remembers; a key that is released counts
	// anew.
	N  int       `json:"n"`
	At time.Time `json:"at"` // when it ended, to the millisecond
	// Code of the fault that it came back with; "" for a copy that was taken.
	Code string `json:"code,omitempty"`
	// Next is the earliest time of the attempt that follows; zero when that is not known, and
	// in the trail.
	Next time.Time `json:"-"`
}

// MaxAttempts is how many are kept of a copy, the newest.
const MaxAttempts = 20
