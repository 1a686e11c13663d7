package bus

import (
	"context"

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
func OwnStreams() []string { return []string{Trail, Out, Quarantine, Parked} }

func (b *Bus) stored(stream string, first uint64, msgs []event.Message) {
	if b.account == nil {
		return
	}
	for _, own := range OwnStreams() { // of the others their lane tells
		if stream == own {
			b.account.Stored(stream, first, msgs)
		}
	}
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
