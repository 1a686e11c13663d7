package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Script answers one call of Publish. Calls are counted from 1 over the whole
// life of an Intake. Calling store keeps the event, as the hub would, and gives
// what Publish would return then.
type Script func(ctx context.Context, call int, e hub.Event, store func() error) error

// Intake is a hub.Intake in memory. It lives longer than the sources that
// publish to it, as the hub does, and watches whether they keep the contract.
type Intake struct {
	mu       sync.Mutex
	script   Script
	listener hub.Listener // nil when the source is none
	open     bool         // a Run is under way
	calls    int
	order    []string // identities, in the order of their first storing
	events   map[string]hub.Event
	breaches []error
	news     chan struct{} // closed when something was stored

	state state
	blobs blobs
}

var _ hub.Intake = (*Intake)(nil)

// NewIntake makes an Intake that stores everything that is valid.
func NewIntake() *Intake {
	return &Intake{
		open:   true,
		events: map[string]hub.Event{},
		news:   make(chan struct{}),
		state:  state{values: map[string][]byte{}},
		blobs:  blobs{content: map[string][]byte{}},
	}
}

// Follow sets what answers the next calls; nil stores everything again.
func (in *Intake) Follow(s Script) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.script = s
}

// Publish implements hub.Intake.
func (in *Intake) Publish(ctx context.Context, e hub.Event) error {
	in.mu.Lock()
	in.calls++
	call, script := in.calls, in.script
	if !in.open {
		in.breach(errors.New("Publish was called after Run had returned"))
	}
	in.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	store := func() error { return in.store(ctx, e) }
	if script == nil {
		return store()
	}
	return script(ctx, call, e, store)
}

// State implements hub.Intake.
func (in *Intake) State() hub.State { return &in.state }

// Blobs implements hub.Intake.
func (in *Intake) Blobs() hub.Blobs { return &in.blobs }

// Events gives what was stored, each event once, in the order of its first
// storing.
func (in *Intake) Events() []hub.Event {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := make([]hub.Event, 0, len(in.order))
	for _, id := range in.order {
		out = append(out, in.events[id])
	}
	return out
}

// Breaches gives what Publish has seen of the source breaking the contract.
func (in *Intake) Breaches() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return errors.Join(in.breaches...)
}

func (in *Intake) breach(err error) { in.breaches = append(in.breaches, err) }

// store keeps e as the hub does: once per (source, id), the content settled by
// the first.
func (in *Intake) store(ctx context.Context, e hub.Event) error {
	in.mu.Lock()
	refused := in.keep(e)
	listener := in.listener
	in.mu.Unlock()
	if refused != nil || listener == nil {
		return refused
	}
	if err := listener.Stored(ctx, refOf(e)); err != nil {
		return fmt.Errorf("tell the source that the event is stored: %w", err)
	}
	return nil
}

func (in *Intake) keep(e hub.Event) error {
	if e.Context == nil {
		in.breach(errors.New("an event without a context was published"))
		return hub.Permanent("invalid-event", "publish: no context")
	}
	if err := e.Validate(); err != nil {
		in.breach(fmt.Errorf("an event was published that is no valid CloudEvent: %w", err))
		return hub.Permanent("invalid-event", "publish: %w", err)
	}
	if err := in.blobs.verify(e); err != nil {
		in.breach(fmt.Errorf("event %s: %w", e.ID(), err))
	}
	id := identity(refOf(e))
	if old, known := in.events[id]; known {
		if d := difference(old, e); d != "" {
			in.breach(fmt.Errorf("event %s was published again with another content: %s differs", e.ID(), d))
		}
		return nil
	}
	in.events[id] = e.Clone()
	in.order = append(in.order, id)
	close(in.news)
	in.news = make(chan struct{})
	return nil
}

// attach tells which source publishes from now on; nil means none.
func (in *Intake) attach(s hub.Source) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.open = s != nil
	in.listener, _ = s.(hub.Listener)
}

// await waits until all of want are stored.
func (in *Intake) await(want []Want, limit time.Duration) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for {
		in.mu.Lock()
		missing, news := "", in.news
		for _, w := range want {
			if _, there := in.events[identity(w.EventRef)]; !there {
				missing = w.ID
				break
			}
		}
		in.mu.Unlock()
		if missing == "" {
			return nil
		}
		select {
		case <-news:
		case <-deadline.C:
			return fmt.Errorf("event %s was not published within %v", missing, limit)
		}
	}
}
