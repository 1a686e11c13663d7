package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nuid"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/schemas"
)

// Wish is what somebody wants replayed.
type Wish struct {
	Scope  decision.ReplayScope
	Rate   int // copies a second, 1 to MaxRate
	Reason string
	// Found is what the dry run came to.
	Found Look
}

// Request records that a replay is wanted, and gives its name. It does nothing until a
// second person approves. What is decided after the request is not part of it.
func (e *Engine) Request(ctx context.Context, by By, w Wish) (string, error) {
	e.acting.Lock()
	defer e.acting.Unlock()
	scope, err := e.scope(w.Scope)
	if err != nil {
		return "", err
	}
	if w.Rate < 1 || w.Rate > MaxRate || w.Reason == "" || by.Who == "" {
		return "", ErrScope
	}
	if err := e.free(); err != nil {
		return "", err
	}
	upTo, err := e.Bus.LastSeq(ctx, bus.Trail)
	if err != nil {
		return "", err
	}
	id := nuid.Next()
	return id, e.once(ctx, &decision.Act{
		Act: decision.ActReplayRequest, Application: scope.Application, Key: id, Who: by.Who, Reason: w.Reason, At: e.Now().UTC(),
		Replay: &decision.Replay{Scope: scope, Rate: w.Rate, UpTo: upTo, Counts: w.Found.Counts, Partial: !w.Found.Whole, Person: by.Person},
	})
}

// scope checks a scope and completes it: without a beginning it reaches as far back as
// anything is kept.
func (e *Engine) scope(s decision.ReplayScope) (decision.ReplayScope, error) {
	fed := e.Current().Federation
	app, ok := fed.Application(s.Application)
	if !ok || app.Mailbox == nil {
		return s, ErrScope
	}
	if s.From.IsZero() {
		s.From = e.Now().UTC().Add(-longest(fed.Schemas, s.Type)).Truncate(time.Second)
	}
	if !s.To.IsZero() && !s.From.Before(s.To) {
		return s, ErrScope
	}
	s.From, s.To = s.From.UTC(), s.To.UTC()
	return s, nil
}

// longest is how long events of a type are kept, "" for any type.
func longest(registry *schemas.Registry, typ string) (most time.Duration) {
	types := registry.Types()
	if typ != "" {
		types = []string{typ}
	}
	for _, name := range types {
		most = max(most, keepOf(registry, name))
	}
	return most
}

func keepOf(registry *schemas.Registry, typ string) time.Duration {
	if schema, ok := registry.Lookup(typ); ok {
		return schema.Keep
	}
	return schemas.DefaultKeep
}

// free tells whether one more replay may be open.
func (e *Engine) free() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.loaded {
		return ErrStarting
	}
	open := 0
	for _, r := range e.runs {
		if r.open(e.Now()) {
			open++
		}
	}
	if open >= maxOpen {
		return ErrTooMany
	}
	return nil
}

// Approve lets a requested replay begin; another person than its requester does so.
func (e *Engine) Approve(ctx context.Context, id string, by By) error {
	return e.step(ctx, decision.ActReplayApprove, id, by, "", Requested)
}

// Reject ends a request; another person than its requester does so, with a reason.
func (e *Engine) Reject(ctx context.Context, id string, by By, reason string) error {
	return e.step(ctx, decision.ActReplayReject, id, by, reason, Requested)
}

// Cancel ends a replay, or the request for one. What is decided already is carried out:
// that is one batch at most. The requester may, too.
func (e *Engine) Cancel(ctx context.Context, id string, by By, reason string) error {
	return e.step(ctx, decision.ActReplayCancel, id, by, reason, Requested, Running)
}

func (e *Engine) step(ctx context.Context, act, id string, by By, reason string, from ...State) error {
	e.acting.Lock()
	defer e.acting.Unlock()
	e.mu.Lock()
	loaded := e.loaded
	e.mu.Unlock()
	r, ok := e.Find(id)
	switch {
	case !loaded:
		return ErrStarting
	case !ok:
		return ErrUnknown
	case by.Who == "":
		return ErrSamePerson
	case act != decision.ActReplayCancel && by.Same(r.Request.By):
		return ErrSamePerson
	}
	if err := e.reread(ctx, r); err != nil { // an earlier step may stand there whose answer was lost
		return err
	}
	if r, ok = e.Find(id); !ok {
		return ErrUnknown
	}
	is := r.State(e.Now())
	for _, s := range from {
		if s == is {
			return e.once(ctx, &decision.Act{
				Act: act, Application: r.Scope.Application, Key: id, Who: by.Who, Reason: reason, At: e.Now().UTC(),
				Replay: &decision.Replay{Scope: r.Scope, Person: by.Person},
			})
		}
	}
	return ErrState
}

// once records an act under its subject, which no other has: whoever comes second with
// the same step is told that it is past. It does not end with who asks for it: what is
// stored must be known here.
func (e *Engine) once(ctx context.Context, a *decision.Act) error {
	m, err := trail.Act(a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actFor)
	defer cancel()
	at, err := e.Bus.Append(ctx, []event.Message{m}, 0)
	if err == nil {
		e.Index.Reached(at, at)
		e.take(a, at)
		return nil
	}
	last, lastErr := e.Bus.Last(ctx, bus.Trail, m.Subject) // refused, or unknown: one read tells
	if lastErr != nil || last == nil {
		e.doubt(a)
		return errors.Join(fmt.Errorf("record an act of a replay: %w", err), lastErr)
	}
	e.takeStored(last)
	if string(last.Data) != string(m.Data) {
		return ErrState
	}
	return nil
}
