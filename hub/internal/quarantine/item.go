package quarantine

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Item is an event in quarantine.
type Item struct {
	Seq uint64 // in QUARANTINE
	// Application that has sent it; of a Copy the receiver.
	Application string
	Code        refusal.Code
	At, Keyword string       // where in the event, see refusal.Refusal
	Of          decision.Ref // where it lies in its in stream, or the copy's event
	// Copy tells that it is a copy that its receiver has refused, or that was given back
	// when its key was parked there.
	Copy bool
	// Original is the message as it came.
	Original *event.Message
	// Event is nil when it cannot be read.
	Event *event.Event
	// Digest as decision.Decision.Digest.
	Digest string
	// moved tells that a lane has put it there.
	moved bool
}

// Organisation whose quarantine it lies in.
func (i *Item) Organisation() string {
	return organisationOf(i.Application)
}

// codes by their token in subjects.
var codes = func() map[string]refusal.Code {
	out := map[string]refusal.Code{}
	for _, c := range refusal.Codes() {
		out[c.Token()] = c
	}
	return out
}()

// Group reads quarantine.<organisation>.<application>.<code>, with one token more behind
// what was not put there by a lane. ok is false for what is no event.
func Group(subject string) (application string, code refusal.Code, ok bool) {
	parts := strings.Split(subject, ".")
	if len(parts) < 4 || len(parts) > 5 || parts[0] != "quarantine" {
		return "", "", false
	}
	code = codes[parts[3]]
	return parts[1] + "." + parts[2], code, code != ""
}

// Filters are the subjects of a group.
func Filters(application string, code refusal.Code) []string {
	at := "quarantine." + application + "." + code.Token()
	return []string{at, at + ".*"}
}

// Filter is where the events of a group lie; only one of the two subjects that a group
// can have is in use.
func Filter(application string, code refusal.Code) string {
	f := Filters(application, code)
	if code == refusal.ReceiverRefused || code == refusal.Returned {
		return f[1]
	}
	return f[0]
}

// Read reads a message of QUARANTINE; ok is false for what is no event.
func Read(m *event.Message) (it *Item, ok bool) {
	if m == nil {
		return nil, false
	}
	application, code, ok := Group(m.Subject)
	if !ok {
		return nil, false
	}
	it = &Item{
		Seq: m.Seq, Application: application, Code: code, At: m.Get(event.HeaderAt), Keyword: m.Get(event.HeaderKeyword),
		Original: send.Refused(m), moved: send.CarriedOut(m),
	}
	if m.Get(event.HeaderIn) == "" { // a copy says it in its own headers
		it.Copy, it.Keyword = true, ""
		it.Original.Stream, it.Original.Seq = it.Original.Of()
	}
	it.Of = decision.Ref{In: it.Original.Stream, Seq: it.Original.Seq}
	if it.Event, _ = accept.Decode(it.Original); it.Event != nil {
		it.Digest = it.Event.Digest()
	} else {
		sum := sha256.Sum256(it.Original.Data)
		it.Digest = hex.EncodeToString(sum[:])
	}
	return it, true
}

// ID of the event; "" when it cannot be read.
func (i *Item) ID() string {
	if i.Event == nil {
		return ""
	}
	return i.Event.ID()
}

// personal finds what often names a person: an e-mail address, eleven digits as of a
// tax id (IdNr, § 139b AO), an IBAN.
var personal = regexp.MustCompile(`[^\s@]+@[^\s@]+\.[a-zA-Z]{2,}|(?:\d[ ./-]?){11}|\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,}`)

// IsPersonal tells whether a reason has something in it that it must not: it stands in
// the trail, and the sender may read it. It finds the plain cases, not names.
func IsPersonal(reason string) bool { return personal.MatchString(reason) }
