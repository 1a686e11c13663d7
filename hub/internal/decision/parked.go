package decision

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Direction tells on which side of the hub a key is parked.
type Direction string

// The directions.
const (
	In  Direction = "in"  // the sender's events cannot be carried out
	Out Direction = "out" // the receiver cannot take its copies
)

// ParkedKey names a key that is parked.
type ParkedKey struct {
	// Application is the sender (In) or the receiver (Out).
	Application string
	Direction   Direction
	Token       string // event.KeyToken of the key
}

// Subject is where its messages wait, whole and in order.
func (k ParkedKey) Subject() string {
	return "parked." + k.Application + "." + string(k.Direction) + "." + k.Token
}

// Mark is where it stands that an act (ActRelease, ActReturn) is underway, until
// the key's messages are gone: so it goes on after a crash.
func (k ParkedKey) Mark(act string) string {
	application := strings.Replace(k.Application, ".*", "._", 1) // no wildcard stands in a subject
	return "parked." + act + "." + application + "." + string(k.Direction) + "." + k.Token
}

// ReadParked reads a Subject (act is "") or a Mark; ok is false for anything
// else.
func ReadParked(subject string) (k ParkedKey, act string, ok bool) {
	parts := strings.Split(subject, ".")
	if len(parts) == 6 {
		act = parts[1]
		parts = append(parts[:1:1], parts[2:]...)
	}
	if len(parts) != 5 || parts[0] != "parked" {
		return k, "", false
	}
	k = ParkedKey{Application: parts[1] + "." + parts[2], Direction: Direction(parts[3]), Token: parts[4]}
	return k, act, k.Direction == In || k.Direction == Out
}

// Organisation of the application.
func (k ParkedKey) Organisation() string {
	org, _, _ := strings.Cut(k.Application, ".")
	return org
}

// Everywhere is the key whichever application of its organisation sends it: an
// In key is one key for all. Its Subject is a filter, its Mark a subject.
func (k ParkedKey) Everywhere() ParkedKey {
	k.Application = k.Organisation() + ".*"
	return k
}

// Act is the record of what a person made the hub do to a parked key, or to the
// credentials or API tokens of an application. It holds no personal data beyond the
// name under which the person uses the computer.
type Act struct {
	Act         string    `json:"act"`                 // see The acts
	Application string    `json:"app"`                 // or organisation, for ActSuspend and ActResume
	Direction   Direction `json:"direction,omitempty"` // of a parked key
	Key         string    `json:"key,omitempty"`       // event.KeyToken, or the id of a token
	// Messages that were parked when the act began.
	Messages uint64 `json:"messages,omitempty"`
	// Credential is the id of the one that was issued or revoked.
	Credential string    `json:"credential,omitempty"`
	Who        string    `json:"who"`
	Reason     string    `json:"reason,omitempty"`
	At         time.Time `json:"at"`
	// Cleared is what an act on an event in quarantine was about.
	*Cleared
	// Replay is what the acts of a replay are about.
	Replay *Replay `json:"replay,omitempty"`
}

// Cleared is the event in quarantine that an act was about (ADR 0020). It holds no
// payload.
type Cleared struct {
	Seq  uint64       `json:"quarantine"`     // in QUARANTINE
	Of   Ref          `json:"of,omitzero"`    // the event, or the copy's event
	ID   string       `json:"id,omitempty"`   // of the event; empty when it could not be read
	Code refusal.Code `json:"code"`           // why it lay there
	Bulk string       `json:"bulk,omitempty"` // the run that it was part of
	// Before and After are digests as Decision.Digest, of what lay there and of what was
	// sent in its place; After is empty unless it was sent again.
	Before string `json:"before"`
	After  string `json:"after,omitempty"`
	// Decided tells that the next record of the trail is the decision by which the event
	// has its end.
	Decided bool `json:"decided,omitempty"`
}

// The acts.
const (
	ActRelease = "release"
	ActReturn  = "return"

	ActTokenIssue  = "token-issue"
	ActTokenRevoke = "token-revoke"
	ActIssue       = "credential-issue"
	ActRotate      = "credential-rotate"
	ActRevoke      = "credential-revoke"
	ActSuspend     = "credential-suspend"
	ActResume      = "credential-resume"

	// The mailbox of an application hands nothing out (Direction Out), or an adapter (Key)
	// asks for nothing (In), until somebody lets it go on.
	ActPause = "pause"
	ActGoOn  = "go-on"

	// In the console: somebody was shown a payload in full (Key is the event.KeyToken of
	// its stream and sequence), or tried to see what is another organisation's (Reason is
	// the page).
	ActLook   = "look"
	ActDenied = "denied"

	// On an event in quarantine (Cleared): sent again as it was or edited, back to the
	// sender, discarded; ActBulk begins a run of one of them over a group (Key is its
	// name), ActBulkStop is a person's word that it stops, ActBulkEnd its end (Messages is
	// how many it was done to). ActWork: somebody has taken over, handed on, noted or
	// dated an event or a group (Key).
	ActQuarantineResubmit = "quarantine-resubmit"
	ActQuarantineEdit     = "quarantine-edit"
	ActQuarantineReturn   = "quarantine-return"
	ActQuarantineDiscard  = "quarantine-discard"
	ActBulk               = "quarantine-bulk"
	ActBulkStop           = "quarantine-bulk-stop"
	ActBulkEnd            = "quarantine-bulk-end"
	ActWork               = "quarantine-work"
)

// Later gives the act that counts when the marks of two stand: a return can come
// upon a release that is underway, and never the other way round.
func Later(a, b string) string {
	if a == ActReturn || b == ActReturn {
		return ActReturn
	}
	return cmp.Or(a, b)
}

// Subject is where a is recorded.
func (a *Act) Subject() string {
	if a.Cleared != nil { // once: whoever does it again finds it there
		return ClearedSubject(a.Act, a.Application, a.Seq, a.ID)
	}
	return "trail." + KindAct + "." + a.Act + "." + MailboxName(a.Application) + "." + cmp.Or(a.Key, a.Credential, "all")
}

// ClearedSubject is where an act on the event at a sequence of QUARANTINE is recorded,
// found by the event's id as decisions are.
func ClearedSubject(act, application string, seq uint64, id string) string {
	return "trail." + KindAct + "." + act + "." + MailboxName(application) + "." + strconv.FormatUint(seq, 10) + "." + event.Shard(id)
}

// ClearedBy fits the subjects of all acts on the event at a sequence of QUARANTINE.
func ClearedBy(seq uint64) string {
	return "trail." + KindAct + ".*.*." + strconv.FormatUint(seq, 10) + ".*"
}

// ClearedOf fits the subjects of acts on events in quarantine by the shard of their id.
func ClearedOf(shard string) string { return "trail." + KindAct + ".*.*.*." + shard }
