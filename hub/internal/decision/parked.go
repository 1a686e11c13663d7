package decision

import (
	"cmp"
	"strings"
	"time"
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
	// Replay is what the acts of a replay are about.
	Replay *Replay `json:"replay,omitempty"`
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

	// In the console: somebody was shown a payload in full (Key is the event.KeyToken of
	// its stream and sequence), or tried to see what is another organisation's (Reason is
	// the page).
	ActLook   = "look"
	ActDenied = "denied"
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
	return "trail." + KindAct + "." + a.Act + "." + MailboxName(a.Application) + "." + cmp.Or(a.Key, a.Credential, "all")
}
