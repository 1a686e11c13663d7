package zms

import (
	"cmp"
	"slices"
)

// entry is what is remembered of a process.
type entry struct {
	Observation

	ID        string `json:"termin"`              // the appointment's id in events
	Antrag    string `json:"antrag,omitempty"`    // the case that it was reserved for
	Case      string `json:"vorgang,omitempty"`   // its correlationid
	Booked    bool   `json:"gebucht,omitempty"`   // told as booked, and not as cancelled since
	Bookings  int    `json:"buchungen,omitempty"` // how often it was told as booked
	Cancelled bool   `json:"abgesagt,omitempty"`  // told as cancelled, and not as booked since
	Missing   int    `json:"fehlt,omitempty"`     // complete lists in a row that did not have it
}

// What is told of an appointment; each is the type of an event.
const (
	gebucht       = "gebucht"
	geaendert     = "geaendert"
	aufgerufen    = "aufgerufen"
	erschienen    = "erschienen"
	versaeumt     = "versaeumt"
	abgeschlossen = "abgeschlossen"
	abgesagt      = "abgesagt"
)

// fact is something that happened to an appointment.
type fact struct {
	what   string
	of     entry // as it is since
	before *entry
	at     int64 // Unix seconds
}

// told is what the arrival at a status says.
var told = map[string]string{called: aufgerufen, processing: erschienen, missed: versaeumt, finished: abgeschlossen}

// follow gives the entry after an observation, and what happened. It is a pure
// function. old is nil for a process that was not known; fresh is the entry for it.
// asked is true when it answers an order of the sink: then a cancellation is told also
// where nothing was booked.
func follow(old *entry, o Observation, fresh entry, asked bool, now int64) (next entry, facts []fact) {
	switch {
	case old == nil:
		next = fresh
	case old.another(o):
		// The number was given to somebody else. What had it is gone.
		if old.Booked && old.Begin > now && old.Status != finished {
			facts = append(facts, fact{what: abgesagt, of: *old, at: now})
		}
		old, next = nil, fresh
	case o.Changed != 0 && o.Changed < old.Changed:
		next, o = *old, old.Observation // an older state, from a cache or another list
	default:
		next = *old
	}
	status := ""
	if old != nil {
		status = old.Status
	}
	next.Observation, next.Missing = keep(old, o), 0
	facts = append(facts, next.happened(old, status, asked, now)...)
	next.Ordered = 0 // of this observation alone
	return next, facts
}

// another tells whether the number belongs to another process now.
func (e *entry) another(o Observation) bool {
	return o.Created != 0 && e.Created != 0 && o.Created != e.Created || o.Token != "" && o.Token != e.Token
}

// certainly tells whether a process is the one that is remembered. Where nothing says
// when it was made, it must be of the same scope and time.
func (e *entry) certainly(o Observation) bool {
	if e.another(o) {
		return false
	}
	return e.Created != 0 && o.Created != 0 || o.Scope == e.Scope && o.Begin == e.Begin
}

// keep takes from the older observation what the newer one does not say.
func keep(old *entry, o Observation) Observation {
	if old == nil {
		return o
	}
	if o.Created == 0 {
		o.Created = old.Created
	}
	if o.Changed == 0 {
		o.Changed = old.Changed
	}
	if o.Begin == 0 {
		o.Begin = old.Begin
	}
	if len(o.Leistungen) == 0 {
		o.Leistungen, o.Leika = old.Leistungen, old.Leika
	}
	if o.Dienststelle == "" {
		o.Dienststelle = old.Dienststelle
	}
	if o.Minutes == 0 {
		o.Minutes = old.Minutes
	}
	if o.Token == "" {
		o.Token = old.Token
	}
	return o
}

func (e *entry) happened(old *entry, status string, asked bool, now int64) (facts []fact) {
	at := cmp.Or(e.Ordered, e.Changed, now)
	is := slices.Contains(booked, e.Status) && !e.WalkIn
	switch {
	case is && !e.Booked:
		e.Booked, e.Cancelled = true, false
		e.Bookings++
		facts = append(facts, fact{what: gebucht, of: *e, at: at})
	case is && e.moved(old):
		facts = append(facts, fact{what: geaendert, of: *e, before: old, at: at})
	}
	if what := told[e.Status]; what != "" && is && e.Status != status {
		facts = append(facts, fact{what: what, of: *e, at: at})
	}
	if slices.Contains(cancelled, e.Status) && !e.Cancelled && (asked || e.Booked && e.open(status, at)) {
		e.Booked, e.Cancelled = false, true
		facts = append(facts, fact{what: abgesagt, of: *e, at: at})
	}
	return facts
}

// open tells whether the appointment could still be cancelled: ZMS also clears away
// what is over.
func (e *entry) open(status string, at int64) bool {
	return status != finished && status != missed && at <= e.Begin
}

// moved tells whether another appointment has come of the old one.
func (e *entry) moved(old *entry) bool {
	return old != nil && (e.Begin != old.Begin || e.Dienststelle != old.Dienststelle ||
		e.Minutes != old.Minutes || !slices.Equal(e.Leistungen, old.Leistungen))
}
