// Package decision holds what the hub decided about an event and what became of
// each copy: the records of the trail (Nachweis). A record holds ids, digests
// and clause numbers, no payload and no value of a data condition.
package decision

import (
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Decision is the record of one acknowledged event. It is written before any
// copy exists, and holds all that carrying it out needs besides the event
// itself: after a crash an event with a decision is carried out, never decided
// anew.
type Decision struct {
	// In and Seq name the message: in stream and sequence.
	In  string `json:"in"`
	Seq uint64 `json:"seq"`
	// Application that sent it, <organisation>.<application>, as the subject
	// said; the name may be unknown to the federation (APP_UNKNOWN).
	Application string `json:"app"`
	// Authority for which it was sent, derived from the source.
	Authority string `json:"authority,omitempty"`
	// Adapter that brought it, if one of the hub's did.
	Adapter string `json:"adapter,omitempty"`
	// ID, Source, Type, Case as in the event; empty when it could not be read.
	ID     string `json:"id,omitempty"`
	Source string `json:"source,omitempty"`
	Type   string `json:"type,omitempty"`
	Case   string `json:"case,omitempty"`
	// Digest as event.Digest; of the whole message when it could not be read.
	Digest string `json:"digest"`
	// Federation is the version of the federation directory that decided.
	Federation string `json:"federation"`

	Outcome hub.Outcome `json:"outcome"`
	// Why and where, for quarantined and unrouted.
	Code    refusal.Code `json:"code,omitempty"`
	At      string       `json:"at,omitempty"`
	Keyword string       `json:"keyword,omitempty"`
	// Receivers of the copies, for routed.
	Receivers []Receiver `json:"receivers,omitempty"`
	// Receipt is the application in whose mailbox the receipt (Quittung) to the
	// sender lies; "" when the sender takes none. All events of a sender have one
	// or none has: its being there tells nothing about the event.
	Receipt string `json:"receipt,omitempty"`
	// Of is the earlier message that this one repeats, conflicts with or (for a
	// corrected resend of a quarantined event) supersedes.
	Of *Ref `json:"of,omitempty"`
	// Key is event.KeyToken of the order key, for Parked.
	Key string `json:"key,omitempty"`
	// Released is where the event was acknowledged, for one that was parked and
	// has now come back by the edge stream.
	Released *Ref `json:"released,omitempty"`

	Stored  time.Time `json:"stored"`  // when the in stream stored the event
	Decided time.Time `json:"decided"` // when the hub decided
}

// HasReceipt tells whether a receipt goes to the sender when d is carried out.
func (d *Decision) HasReceipt() bool {
	return d.Receipt != "" && !d.Code.ByPerson() && (d.Outcome == hub.Routed || d.Outcome == hub.Quarantined || d.Outcome == hub.Unrouted)
}

// Ref names a message in an in stream.
type Ref struct {
	In  string `json:"in"`
	Seq uint64 `json:"seq"`
}

// Receiver is one copy: who gets what under which agreement.
type Receiver struct {
	Application string `json:"app"`
	Authority   string `json:"authority,omitempty"`
	Agreement   string `json:"agreement"`
	Law         string `json:"law,omitempty"`
	// Fields disclosed, JSON Pointers; empty means all fields of the schema.
	Fields []string `json:"fields,omitempty"`
	// Expires is when the copy is taken out if it is still undelivered, as the
	// agreement's retain said when it was decided; zero: never.
	Expires time.Time `json:"expires,omitzero"`
	// Confirm tells that the agreement asked for a receipt once the copy is handed
	// over.
	Confirm bool `json:"confirm,omitempty"`
}

// Cut tells whether the receiver gets a re-written payload.
func (r *Receiver) Cut() bool { return len(r.Fields) > 0 }

// Delivery is the record of what became of one copy in its mailbox.
type Delivery struct {
	Mailbox string `json:"mailbox"` // <organisation>.<application>
	Out     uint64 `json:"out"`     // sequence of the copy in OUT
	// In and Seq name the event's message, ID its event id.
	In      string `json:"in"`
	Seq     uint64 `json:"seq"`
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
	// Result is Done, Refused or Expired, or Parked, which one of them will follow.
	Result Result `json:"result"`
	// Code of the receiver's fault, for Refused and Parked; CodeBehind or
	// CodeReturned.
	Code string    `json:"code,omitempty"`
	At   time.Time `json:"at"`
	// Attempts of the hub, one by one, of a copy that was not taken at once; as far as the hub
	// remembers them, MaxAttempts at most.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Expiry is what the sender is told, for Expired.
	Expiry *Expiry `json:"expiry,omitempty"`
	// Handed is what the sender is told, for Done, where the agreement asks for it.
	Handed *Told `json:"handed,omitempty"`
	// Replay names the replay that brought the copy; "" for the first one.
	Replay string `json:"replay,omitempty"`
}

// OfReceipt tells whether it is a receipt that ended so, and not a copy of the event: the
// ids of receipts begin with the place of the event.
func (d *Delivery) OfReceipt() bool {
	return strings.HasPrefix(d.ID, d.In+"-"+strconv.FormatUint(d.Seq, 10)+"-")
}

// Told is all that a receipt about a copy needs besides its outcome: the copy
// itself may be gone when the receipt is made.
type Told struct {
	Agreement string `json:"agreement"` // under which the copy went
	// Receipt is the application in whose mailbox the receipt lies, "" for none.
	Receipt string `json:"receipt,omitempty"`
	Source  string `json:"source,omitempty"`
	Type    string `json:"type,omitempty"`
	Case    string `json:"case,omitempty"`
}

// Expiry is why a copy expired: the agreement's retain.
type Expiry struct {
	Told
	Due time.Time `json:"due"` // until when it could have been delivered
}

// Result is how a copy ended, or that it is parked.
type Result string

// The results.
const (
	Done    Result = "done"
	Refused Result = "refused"
	Expired Result = "expired" // undelivered for longer than its agreement's retain
	Parked  Result = "parked"  // not an end: one of the others follows
)

// Codes of a Delivery that are not the receiver's.
const (
	CodeBehind   = "behind"   // parked because an earlier copy of its key is
	CodeReturned = "returned" // refused by a steward: back to the sender
)

// Remembered tells whether d changes what is known of its event's identity: a
// duplicate does not, nor does an event whose identity could not be read or was
// not the sender's to use.
func (d *Decision) Remembered() bool {
	return d.ID != "" && d.Outcome != hub.Suppressed &&
		d.Code != refusal.SourceNotAllowed && d.Code != refusal.SubjectMismatch
}

// Stays tells whether d is about a released event that could not be carried out
// again: there is nothing to store, it lies where it was parked.
func (d *Decision) Stays() bool { return d.Outcome == hub.Parked && d.Released != nil }

// Place is where the event lies that d is about.
func (d *Decision) Place() Ref {
	if d.Stays() {
		return *d.Released
	}
	return Ref{In: d.In, Seq: d.Seq}
}
