package decision

import "time"

// Removal is the record of what one run removes from one stream, written before
// it does: after a crash in between it is removed by the next run, and recorded
// again. It names no event and no person.
type Removal struct {
	Stream string  `json:"stream"`
	Why    Why     `json:"why"`
	Ranges []Range `json:"ranges"`
	// At is when the run took place, by the clock that keep is counted by.
	At time.Time `json:"at"`
}

// Why something is removed.
type Why string

// The reasons.
const (
	WhyKept      Why = "kept"      // carried out, and kept as long as its type says
	WhyDelivered Why = "delivered" // acknowledged by the receiver
)

// Range is what goes of one subject: every message from From to UpTo.
type Range struct {
	// Subject in the stream; Others for those that the federation directory does
	// not know, whose names are the sender's words.
	Subject  string `json:"subject"`
	From     uint64 `json:"from"`
	UpTo     uint64 `json:"upTo"`
	Messages uint64 `json:"messages"`
}

// Others stands for subjects whose application or type is unknown.
const Others = "others"

// Subject is where r is recorded.
func (r *Removal) Subject() string { return "trail." + KindRemoval + "." + r.Stream }

// Covers finds what r says of a message: whether it was removed.
func (r *Removal) Covers(subject string, seq uint64) bool {
	for _, one := range r.Ranges {
		if (one.Subject == subject || one.Subject == Others) && one.From <= seq && seq <= one.UpTo {
			return true
		}
	}
	return false
}
