// Package accept is the first stage: it reads a stored message strictly as one
// CloudEvent and finds out who sent it. Identity comes from stream name and
// subject, never from headers. Nothing here looks at the payload's meaning.
//
// Standards: CloudEvents 1.0.2, its JSON format and its NATS protocol binding.
package accept

import (
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// Limits of the gate (facts: CloudEvents size limits, NATS header limit).
const (
	MaxBytes      = 1 << 20 // a message with headers; larger content travels as dataref
	MaxDepth      = 64
	MaxAttributes = 256
	MaxID         = 256
	MaxValue      = 1024
	MaxName       = 32
	MaxNumber     = 64  // characters
	MaxExponent   = 400 // absolute value
)

// Sender is who sent a message, as stream and subject say.
type Sender struct {
	Organisation string
	// Application is the name within the organisation.
	Application string
	// Type is the event type that the subject names.
	Type string
}

// ID is <organisation>.<application>.
func (s Sender) ID() string { return s.Organisation + "." + s.Application }

// unknown stands for an application whose name is none.
const unknown = "unknown"

// Accept reads m, which lies in the in stream of organisation org. The Sender
// is filled as far as the subject tells. With a refusal the event may be there,
// if it could be read: then it is not the sender's to send, or its payload is not to
// pass. It notes in m what the headers weigh, so m is for one goroutine at a time.
func Accept(fed *federation.Federation, org string, m *event.Message) (*event.Event, Sender, *refusal.Refusal) {
	sender, ok := senderOf(org, m.Subject)
	if !ok {
		return nil, sender, refusal.At(refusal.Forged, "subject")
	}
	app, ok := fed.Application(sender.ID())
	if !ok {
		return nil, sender, refusal.At(refusal.AppUnknown, "subject")
	}
	e, r := decode(fed.Schemas, m)
	if e == nil {
		return nil, sender, r
	}
	return e, sender, allowed(app, sender, e, r)
}

// From is Accept for a message that application app hands in at a door: it has
// no subject yet, and gets that of its organisation's edge stream.
func From(fed *federation.Federation, app *federation.Application, m *event.Message) (*event.Event, Sender, *refusal.Refusal) {
	sender := Sender{Organisation: app.Organisation, Application: app.Name}
	m.Subject = event.EdgeSubject(app.ID, "")
	e, r := decode(fed.Schemas, m)
	if e == nil {
		return nil, sender, r
	}
	sender.Type, m.Subject = e.Type(), event.EdgeSubject(app.ID, e.Type())
	return e, sender, allowed(app, sender, e, r)
}

// allowed tells whether the sender may send an event, whose payload may have been
// refused: that it is not the sender's comes first.
func allowed(app *federation.Application, sender Sender, e *event.Event, payload *refusal.Refusal) *refusal.Refusal {
	if _, owned := app.Authority(e.Source()); !owned {
		return refusal.At(refusal.SourceNotAllowed, event.AttrSource)
	}
	if e.Type() != sender.Type {
		return refusal.At(refusal.SubjectMismatch, event.AttrType)
	}
	return payload
}

// senderOf reads <in|edge>.<org>.<app>.<type…>.
func senderOf(org, subject string) (Sender, bool) {
	s := Sender{Organisation: org, Application: unknown}
	root, rest, _ := strings.Cut(subject, ".")
	of, rest, ok := strings.Cut(rest, ".")
	app, typ, typed := strings.Cut(rest, ".")
	if !ok || (root != "in" && root != "edge") || of != org || !plainToken(app) {
		return s, false
	}
	if s.Application = app; !typed {
		return s, false
	}
	if root == "in" { // what clients publish is not encoded
		s.Type = typ
		return s, true
	}
	s.Type, ok = event.TypeOf(typ)
	return s, ok
}

// plainToken: names are [a-z0-9-]; everything else is somebody's text.
func plainToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// Decode reads m as one CloudEvent, whoever sent it.
func Decode(m *event.Message) (*event.Event, *refusal.Refusal) { return DecodeFor(nil, m) }

// DecodeFor reads m as Decode does, and asks the accepter of its type first. What
// that accepts has passed the gate, and fits (event.Event.Fits).
func DecodeFor(known *schemas.Registry, m *event.Message) (*event.Event, *refusal.Refusal) {
	e, r := decode(known, m)
	if r != nil {
		return nil, r
	}
	return e, nil
}

// decode is DecodeFor; of an event that is refused for its payload alone it gives the
// attributes too.
func decode(known *schemas.Registry, m *event.Message) (*event.Event, *refusal.Refusal) {
	if len(m.Data) > MaxBytes {
		return nil, refusal.At(refusal.TooLarge, "")
	}
	e := &event.Event{Message: m}
	h, size, r := headers(m)
	if len(m.Data)+size > MaxBytes {
		return nil, refusal.At(refusal.TooLarge, "")
	}
	if r != nil {
		return nil, r
	}
	structured, r := h.structured()
	switch {
	case r != nil:
	case structured:
		e.Attributes = make(event.Attributes, 0, usualAttributes)
		if r = readStructured(e); r == nil {
			r = h.repeats(e)
		}
	default:
		r = readBinary(e, h)
	}
	if r == nil {
		e.Fix()
		r = checkAttributes(e)
	}
	if r != nil {
		return nil, r
	}
	return e, checkData(e, known)
}

// usualAttributes is about how many attributes an event has.
const usualAttributes = 12
