package bus

import (
	"context"
	"slices"
	"sync"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Account is told by the bus what the hub itself stores, once it is stored, and
// what it removes, before it does: package ledger.
type Account interface {
	// Stored: msgs lie in stream from sequence first on.
	Stored(stream string, first uint64, msgs []event.Message)
	// Removing: what fits filter will go, up to a sequence. After an error it stays.
	Removing(stream, filter string, upTo uint64) error
	// Deleting: one message will go.
	Deleting(stream string, seq uint64) error
}

// Tell makes the bus tell a; it is called before anything else uses b.
func (b *Bus) Tell(a Account) { b.account = a }

// OwnStreams are those that only the hub writes to.
func OwnStreams() []string { return slices.Clone(own) }

var own = []string{Trail, Out, Quarantine, Parked}

// stored takes in what the server said that it has stored, on connection number by.
func (b *Bus) stored(by uint64, stream string, first uint64, msgs []event.Message) {
	if !slices.Contains(own, stream) { // of the others their lane tells
		return
	}
	b.ends.reached(stream, first+uint64(len(msgs))-1)
	b.known.stored(stream, first, msgs)
	b.cursors.stored(by, stream, first, msgs)
	if b.account != nil {
		b.account.Stored(stream, first, msgs)
	}
}

// End is a sequence that one of the hub's own streams has reached at least.
func (b *Bus) End(ctx context.Context, stream string) (uint64, error) {
	b.ends.Lock()
	end, known := b.ends.of[stream]
	b.ends.Unlock()
	if known {
		return end, nil
	}
	end, err := b.LastSeq(ctx, stream)
	if err == nil {
		b.ends.reached(stream, end)
	}
	return end, err
}

type ends struct {
	sync.Mutex
	of map[string]uint64
}

func (e *ends) reached(stream string, seq uint64) {
	e.Lock()
	defer e.Unlock()
	if e.of == nil {
		e.of = map[string]uint64{}
	}
	e.of[stream] = max(e.of[stream], seq)
}

// removing notes a removal and gives its bound as a sequence.
func (b *Bus) removing(ctx context.Context, stream, filter string, upTo uint64) (uint64, error) {
	if b.account == nil {
		return upTo, nil
	}
	if upTo == Everything {
		var err error
		if upTo, err = b.LastSeq(ctx, stream); err != nil {
			return 0, err
		}
	}
	return upTo, b.account.Removing(stream, filter, upTo)
}
