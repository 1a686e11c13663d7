package mail

import "time"

// entry is what is to be told of one kind of thing of one application.
type entry struct {
	Notice Notice    `json:"notice"`        // the last one
	First  time.Time `json:"first"`         // when the first of those was told that no mail has
	Count  int       `json:"count"`         // how many no mail has; 0: none
	Sent   time.Time `json:"sent,omitzero"` // when the last mail was, also one that was given up
	// Attempt counts the failures of this mail; Next is when to try again.
	Attempt int       `json:"attempt,omitempty"`
	Next    time.Time `json:"next,omitzero"`
}

// due is when the entry can go out.
func (e *entry) due() time.Time {
	if at := e.Sent.Add(pause); !e.Sent.IsZero() && at.After(e.Next) {
		return at
	}
	return e.Next
}

// done takes off what a mail has told, or will not; the rest came meanwhile.
func (e *entry) done(told *entry, now time.Time) {
	e.Count -= told.Count
	e.Sent, e.Attempt, e.Next = now, 0, time.Time{}
	e.First = e.Notice.At
}

// room makes room for one more entry where the book is full, by forgetting when
// something was told last. It is called with mu held.
func (p *Post) room() bool {
	if len(p.book) < most {
		return true
	}
	for key, e := range p.book {
		if e.Count == 0 {
			delete(p.book, key)
			return true
		}
	}
	return false
}

// first gives a copy of the entry that is due first, and when; nil: none waits.
func (p *Post) first() (out *entry, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.book {
		if e.Count == 0 {
			continue
		}
		if due := e.due(); out == nil || due.Before(at) {
			out, at = e, due
		}
	}
	if out == nil {
		return nil, at
	}
	if at.Before(p.next) {
		at = p.next
	}
	one := *out
	return &one, at
}
