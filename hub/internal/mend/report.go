package mend

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Report is what a comparison has found.
type Report struct {
	At      time.Time `json:"at"`
	Streams []Summary `json:"streams"`
	Losses  []Loss    `json:"losses,omitempty"`
	// Settled tells that nothing is open any more: what can be put back is, and a
	// person has taken note of the rest.
	Settled bool `json:"settled,omitempty"`
}

// Summary is what was compared of one stream.
type Summary struct {
	Stream string `json:"stream"`
	// From and To are the sequences that were compared.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Expected is how many messages it must hold of them.
	Expected uint64 `json:"expected"`
	// Missing counts those that are gone, or not those that were stored.
	Missing int `json:"missing"`
	// Blind tells why not all could be compared: the ledger itself was damaged. It
	// stays until a start was not refused.
	Blind string `json:"blind,omitempty"`
}

// Loss is one message that a stream does not hold any more as it was stored.
type Loss struct {
	Stream  string `json:"stream"`
	Seq     uint64 `json:"seq"`
	Subject string `json:"subject"`
	// Of names the event that it was or was about, ID is the event's id; empty for
	// cursors, and for what no record tells of.
	Of decision.Ref `json:"of,omitzero"`
	ID string       `json:"id,omitempty"`
	// Others are the ids of further events that a message of the trail was about.
	Others []string `json:"others,omitempty"`
	// Changed tells that another message stands there.
	Changed bool `json:"changed,omitempty"`
	Fate    Fate `json:"fate"`

	Sum uint64 `json:"sum"` // ledger.Entry.Sum
}

// String names it for a person.
func (l Loss) String() string {
	s := fmt.Sprintf("%s %d", l.Stream, l.Seq)
	if l.Subject != "" {
		s += ": " + l.Subject
	}
	if l.ID != "" {
		s += fmt.Sprintf(", event %q", l.ID)
	}
	if n := len(l.Others); n > 0 {
		s += fmt.Sprintf(" and %d others", n)
	}
	if l.Of.Seq != 0 && l.Of.In != l.Stream {
		s += fmt.Sprintf(" (%s %d)", l.Of.In, l.Of.Seq)
	}
	if l.Changed {
		s += ", another message stands there"
	}
	return s
}

// Fate is what became of a loss.
type Fate string

// The fates.
const (
	Restored   Fate = "restored"    // put back
	Delivered  Fate = "delivered"   // a copy that its receiver has acknowledged: nothing is to be done
	CarriedOut Fate = "carried-out" // an event whose copies are stored: only what was kept of it is gone
	Lost       Fate = "lost"        // not to be had back here: it must be sent again
)

// Lost lists what cannot be had back.
func (r *Report) Lost() []Loss {
	var out []Loss
	for _, l := range r.Losses {
		if l.Fate == Lost {
			out = append(out, l)
		}
	}
	return out
}

// Damaged tells whether anything was missing.
func (r *Report) Damaged() bool { return len(r.Losses) > 0 }

// Blind lists the streams of which not all could be compared.
func (r *Report) Blind() (out []Summary) {
	for _, s := range r.Streams {
		if s.Blind != "" {
			out = append(out, s)
		}
	}
	return out
}

// Digest names what is lost: the same losses have the same digest.
func (r *Report) Digest() string {
	h := sha256.New()
	for _, l := range r.Lost() {
		fmt.Fprintf(h, "%s %d %d\n", l.Stream, l.Seq, l.Sum)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
