package open311

import (
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// What tests outside the package need to know.
var (
	MadeOf = madeOf
	CaseOf = caseOf
)

// EventID is the id of the event of a type, as the source makes it.
func EventID(source, report, typ string, ident ...string) string {
	return madeOf(append([]string{source, caseOf(source, report), typ}, ident...)...)
}

// ConfirmedID is the id of the event that confirms a forwarded report.
func ConfirmedID(source, matter, cause, given string) string {
	return madeOf(source, matter, typeConfirmed, cause, given)
}

// RecordOf names the record of a forwarded report.
func RecordOf(d hub.Delivery) string {
	return madeOf("weiterleitung", d.ID, d.Event.Source(), d.Event.ID())
}

// SetClock makes a source or sink believe another time.
func SetClock(v any, now func() time.Time) {
	switch v := v.(type) {
	case *source:
		v.now = now
	case *sink:
		v.now = now
	}
}

// SetMost makes a source give up a window after so many questions.
func SetMost(v any, most int) { v.(*source).most = most } //nolint:errcheck // a test's own source

// SetMostAside bounds what a source sets aside.
func SetMostAside(v any, most int) { v.(*source).aside.most = most } //nolint:errcheck // a test's own source

// KeyOf is where the memory of a report lies.
var KeyOf = keyOf

// Event types.
const (
	TypeReceived  = typeReceived
	TypeAssigned  = typeAssigned
	TypeChanged   = typeChanged
	TypeSolved    = typeSolved
	TypeRejected  = typeRejected
	TypeForwarded = typeForwarded
	TypeConfirmed = typeConfirmed
)
