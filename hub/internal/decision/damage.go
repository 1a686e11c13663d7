package decision

import "time"

// Damage is the record of what a stream had lost when the hub started, and of
// what became of it. A large loss stands in several records.
type Damage struct {
	Stream string     `json:"stream"`
	Lost   []LostItem `json:"messages,omitempty"`
	// Blind tells why not all of the stream could be compared: what it has lost
	// besides is not known.
	Blind string    `json:"blind,omitempty"`
	At    time.Time `json:"at"`
	// Who took note of what cannot be had back, and why the hub may go on; empty
	// when everything could.
	Who    string `json:"who,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// LostItem is one message of the stream.
type LostItem struct {
	Seq uint64 `json:"seq"`
	// Of and ID name the event that it was, or was about.
	Of   Ref    `json:"of,omitzero"`
	ID   string `json:"id,omitempty"`
	Fate string `json:"fate"` // mend.Fate
}

// Subject is where d is recorded.
func (d *Damage) Subject() string { return "trail." + KindDamage + "." + d.Stream }
