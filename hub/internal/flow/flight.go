package flow

import (
	"context"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// flight is the storing of what a batch brings, while the lane already decides about the
// next one (ADR 0013): the server stores, and the hub decides, on cores of their own. There
// is one at a time; what the next batch brings waits for it, so each stream still holds a
// beginning of what it is to get. All that a flight uses of the lane are its targets, and
// base.
type flight struct {
	small bool              // of few events
	upTo  uint64            // of the in stream: carried out once it has landed
	ends  map[string]uint64 // how far the targets had come when it began
	end   context.CancelFunc
	done  chan struct{}
	err   error
}

// A batch of fewer than manyEvents is carried out as is sooner on this server (manner). While
// a larger one flies, the next one is worth deciding about when it has enough.
const (
	fewEvents  = 4
	manyEvents = 64
	enough     = maxEvents / 2
)

// manner is how a batch of few events is carried out.
type manner int

const (
	fitting      manner = iota // as is sooner on this server
	inTurn                     // before the next batch is taken
	inPair                     // at the same time as it is recorded, and before the next one is taken
	inFlight                   // while the next one is recorded
	pairInFlight               // at the same time as it is recorded, and while the next one is
)

// manner: where the server syncs, the disk is what all wait for, and a record waits as long as
// its copies do; so those of the batch before may be stored meanwhile, as long as the disk is
// not too busy for them to be few. Elsewhere it is the processor, and what is carried out first
// is sooner there. What cannot be stored as a pair is recorded first.
func (l *Lane) manner(n int) manner {
	switch {
	case l.few != fitting:
		return l.few
	case l.Bus.Pairs(n):
		return inPair
	case n <= fewEvents && l.Bus.Syncs():
		return pairInFlight
	}
	return inTurn
}

// soon is how far a cursor lags when a flight writes it anew: so none comes as near to maxLag
// as to keep the next batch from flying.
const soon = nearLag / 2

// flies tells whether what n events bring, the last of a batch of all, may be stored in a
// flight: nothing is owed, and no cursor lags so far that it is to be written soon, for which
// all must be carried out.
func (l *Lane) flies(n, all int) bool {
	if n < manyEvents && l.manner(all) < inFlight || l.Pace.Bounded() {
		return false
	}
	for _, t := range l.targets() {
		if t.at.Part > 0 || len(t.at.Owed) > 0 || l.trail.at.Seq > t.at.Seq+nearLag {
			return false
		}
	}
	return true
}

// during gives what came meanwhile; nothing when the flight is over before there is enough. What
// comes during a flight of few does not come fast: it is not waited for.
func (l *Lane) during(ctx context.Context) ([]*event.Message, error) {
	n := enough
	if l.flight.small || l.few >= inFlight {
		n = 1
	}
	return l.work.NextWhile(ctx, maxEvents, n, l.flight.done)
}

// takeOff begins a flight that stores what a batch of n events brings, with which all up to a
// sequence of the in stream is carried out. ends are how far the targets had come when the batch
// had brought nothing.
func (l *Lane) takeOff(ctx context.Context, store func(context.Context) error, n int, upTo uint64, ends map[string]uint64) {
	ctx, end := context.WithCancel(ctx)
	l.work.Keep()
	f := &flight{small: n < manyEvents, upTo: upTo, ends: ends, end: end, done: make(chan struct{})}
	l.flight = f
	go func() {
		defer close(f.done)
		if f.err = store(ctx); f.err == nil {
			f.err = l.moveUp(ctx, l.base, soon) // the lane may have decided about more
		}
	}()
}

// over tells whether there is no flight, or all of it is stored or has failed.
func (f *flight) over() bool {
	if f == nil {
		return true
	}
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// land waits for the flight, if there is one. One that has failed stays, and lands with its
// error each time: what became of it is found at the next take-over alone.
func (l *Lane) land() error {
	f := l.flight
	if f == nil {
		return nil
	}
	<-f.done
	f.end()
	if f.err != nil {
		return f.err
	}
	l.flight = nil
	l.work.Free()
	l.carriedOut(f.upTo)
	return nil
}

// ground ends the flight with the lane: it may be waiting for room, perhaps for hours.
func (l *Lane) ground() {
	if l.flight != nil {
		l.flight.end()
		_ = l.land()
	}
	l.work.Free()
}
