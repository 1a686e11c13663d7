package decision

import (
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// A replay (Wiederholung, ADR 0021) brings an application again what it was sent
// before. Its steps are acts; what it decides about each event is a Replayed.

// Replay is what an act says of a replay.
type Replay struct {
	Scope ReplayScope `json:"scope,omitzero"`
	// Rate is how many copies a second go at most.
	Rate int `json:"rate,omitempty"`
	// UpTo is the sequence in TRAIL behind which nothing belongs to it.
	UpTo uint64 `json:"upTo,omitempty"`
	// Counts are what the dry run found, or, at the end, what became of it.
	Counts ReplayCounts `json:"counts,omitempty"`
	// Partial tells that the dry run did not come to its end.
	Partial bool `json:"partial,omitempty"`
	// Person is a token that is the same for one person however it is named; "" when
	// there is nothing but the name.
	Person string `json:"person,omitempty"`
}

// ReplayScope says which copies: of one receiver, and of those that fit all that is
// set.
type ReplayScope struct {
	Application string `json:"app"`                 // the receiver, <organisation>.<application>
	Agreement   string `json:"agreement,omitempty"` // by which they went
	Type        string `json:"type,omitempty"`
	Case        string `json:"case,omitempty"`
	Sender      string `json:"sender,omitempty"` // application
	// From and To bound when the event was accepted: From is within, To is not. Zero: no
	// bound.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Holds tells whether a decision brought the receiver a copy within the scope.
func (s *ReplayScope) Holds(d *Decision) bool {
	fits := func(want, is string) bool { return want == "" || want == is }
	if !fits(s.Type, d.Type) || !fits(s.Case, d.Case) || !fits(s.Sender, d.Application) ||
		!s.From.IsZero() && d.Stored.Before(s.From) || !s.To.IsZero() && !d.Stored.Before(s.To) {
		return false
	}
	for i := range d.Receivers {
		if r := &d.Receivers[i]; r.Application == s.Application && fits(s.Agreement, r.Agreement) {
			return true
		}
	}
	return false
}

// ReplayCounts are numbers of copies by verdict.
type ReplayCounts map[ReplayVerdict]uint64

// Held is how many do not go.
func (c ReplayCounts) Held() (n uint64) {
	for v, some := range c {
		if v != ReplayGoes {
			n += some
		}
	}
	return n
}

// ReplayVerdict is what is decided about one copy: that it goes, or why not.
type ReplayVerdict string

// The verdicts. That a block held a copy back stands nowhere: it is one of the
// reasons that NotAdmitted stands for (DESIGN §3).
const (
	ReplayGoes        ReplayVerdict = "goes"
	ReplayNoAgreement ReplayVerdict = "no-agreement" // only in older records: NotAdmitted
	ReplayNotAdmitted ReplayVerdict = "not-admitted" // by the agreements in force: there is none, or condition, address, classification or block
	ReplayBeyondKeep  ReplayVerdict = "beyond-keep"  // older than its type is kept
	ReplayRemoved     ReplayVerdict = "removed"      // gone from its in stream before
	ReplayNoReceiver  ReplayVerdict = "no-receiver"  // the application or its mailbox has left the directory
	ReplayInvalid     ReplayVerdict = "invalid"      // would not be accepted today: sender, source, type or schema
)

// ReplayVerdicts are all of them, in the order in which they are shown.
var ReplayVerdicts = []ReplayVerdict{
	ReplayGoes, ReplayNoAgreement, ReplayNotAdmitted, ReplayBeyondKeep, ReplayRemoved, ReplayNoReceiver, ReplayInvalid,
}

// Replayed is the record of what a replay decided about one event, written before
// the copy exists.
type Replayed struct {
	Run     string `json:"run"`
	Mailbox string `json:"mailbox"` // <organisation>.<application>
	// In and Seq name the event's message, ID its event id.
	In      string        `json:"in"`
	Seq     uint64        `json:"seq"`
	ID      string        `json:"id"`
	Verdict ReplayVerdict `json:"verdict"`
	// Federation is the version of the federation directory that decided.
	Federation string `json:"federation"`
	// Receiver is what goes and under which agreement, for ReplayGoes.
	Receiver *Receiver `json:"receiver,omitempty"`
	// Amends tells that an earlier record said of this event that it goes, and it could
	// not: this one counts.
	Amends bool      `json:"amends,omitempty"`
	At     time.Time `json:"at"`
}

// Place is the event's message.
func (r *Replayed) Place() Ref { return Ref{In: r.In, Seq: r.Seq} }

// Subject is where r is recorded; about an id it is found as Decision.Subject says.
func (r *Replayed) Subject() string {
	return "trail." + KindReplay + "." + MailboxName(r.Mailbox) + "." + event.Shard(r.ID)
}

// CursorReplay names the cursor of replays to an application, in TRAIL and OUT.
func CursorReplay(application string) string { return "REPLAY_" + MailboxName(application) }

// The acts of a replay; Key is its name.
const (
	ActReplayRequest = "replay-request"
	ActReplayApprove = "replay-approve"
	ActReplayReject  = "replay-reject"
	ActReplayCancel  = "replay-cancel"
	// ActReplayEnd is the hub's own: nothing more comes of it.
	ActReplayEnd = "replay-end"
)

// ActReplayLook is that a person had a dry run: what one of a single case counts tells
// something of who it is about. It is no step of a replay, and has no Key.
const ActReplayLook = "replay-look"
