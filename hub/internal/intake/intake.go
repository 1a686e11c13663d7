// Package intake is the hub's side of a source: it stores the events that an
// adapter brings, keeps the adapter's memory, and tells it what became of its
// events.
package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// Intake implements hub.Intake for one adapter.
type Intake struct {
	Adapter     string // name in the federation directory
	Application *federation.Application
	Source      hub.Source
	// Federation gives the version of the federation that is in force.
	Federation func() *federation.Federation
	// AcksHeard: what receivers of mode nats say of their copies stands in the trail.
	// On a server without accounts it does not.
	AcksHeard bool
	Bus       *bus.Bus
	Store     *bus.Store
	BlobStore *bus.Blobs
	Log       *zap.Logger

	broke atomic.Pointer[Break]
}

// Break is when and why a source stopped last.
type Break struct {
	At   time.Time
	Code string // of the Fault
}

// Broke tells of the last time that the source stopped since the hub started; nil when it
// has not.
func (i *Intake) Broke() *Break { return i.broke.Load() }

var _ hub.Intake = (*Intake)(nil)

// Run runs the source until ctx ends; when it gives up it is started again.
func (i *Intake) Run(ctx context.Context) error {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		began := time.Now()
		err := i.runOnce(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > settle.MaxDelay {
			attempt = 1 // it ran well meanwhile
		}
		i.broke.Store(&Break{time.Now(), hub.FaultOf(err).Code})
		i.Log.Error("source stopped; starting it again", zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, settle.Backoff(attempt, settle.Jitter()))
	}
	return nil
}

// runOnce turns a panic of the source into an error: it costs only this source.
func (i *Intake) runOnce(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the source failed in a way it did not foresee (%T)", p)
		}
	}()
	return i.Source.Run(ctx, i)
}

// Publish implements hub.Intake.
func (i *Intake) Publish(ctx context.Context, e hub.Event) error {
	m, err := i.message(e)
	if err != nil {
		return err
	}
	// what the gate would refuse is refused here, where the source can set the
	// input aside; what breaks a schema is stored and rests in quarantine
	read, _, refusal := accept.Accept(i.Federation(), i.Application.Organisation, m)
	if refusal != nil {
		return hub.Permanent("not-acceptable", "%w", refusal)
	}
	if err := i.Bus.Group(m.Stream).Publish(ctx, *m); err != nil {
		if errors.Is(err, bus.ErrStreamFull) {
			return hub.Retryable("stream-full", "the quota of organisation %s is full, until some of its events are worked off or removed: %w", i.Application.Organisation, err)
		}
		return hub.Retryable("not-stored", "%w", err)
	}
	if l, ok := i.Source.(hub.Listener); ok {
		return l.Stored(ctx, hub.EventRef{Source: read.Source(), ID: read.ID(), Type: read.Type()})
	}
	return nil
}

// message puts e into binary mode, so that the data bytes stay as they are.
func (i *Intake) message(e hub.Event) (*event.Message, error) {
	if e.Context == nil {
		return nil, hub.Permanent("not-acceptable", "no CloudEvent")
	}
	if e.Time().IsZero() {
		e = e.Clone()
		e.SetTime(time.Now().UTC())
	}
	h := map[string][]string{event.HeaderAdapter: {i.Adapter}}
	put := func(name, value string) {
		if value != "" {
			h["ce-"+name] = []string{event.PercentEncode(value)}
		}
	}
	put(event.AttrSpecVersion, "1.0")
	put(event.AttrID, e.ID())
	put(event.AttrSource, e.Source())
	put(event.AttrType, e.Type())
	put(event.AttrSubject, e.Subject())
	put(event.AttrDataSchema, e.DataSchema())
	put(event.AttrDataContentType, e.DataContentType())
	put(event.AttrTime, e.Time().Format(time.RFC3339Nano))
	names := make([]string, 0, len(e.Extensions()))
	for name := range e.Extensions() {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		put(name, fmt.Sprint(e.Extensions()[name]))
	}
	if !event.PlainType(e.Type()) {
		return nil, hub.Permanent("not-acceptable", "the event type is no type name: [a-z0-9-] joined by dots")
	}
	return &event.Message{
		Stream:  bus.EdgeStream(i.Application.Organisation),
		Subject: event.EdgeSubject(i.Application.ID, e.Type()),
		Header:  h, Data: e.Data(),
	}, nil
}

// Blobs implements hub.Intake.
func (i *Intake) Blobs() hub.Blobs { return blobs{i.BlobStore} }

type blobs struct{ store *bus.Blobs }

func (b blobs) Put(ctx context.Context, r io.Reader) (hub.BlobRef, error) { return b.store.Put(ctx, r) }

func (b blobs) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	return b.store.Open(ctx, ref)
}
