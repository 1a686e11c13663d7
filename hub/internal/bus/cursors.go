package bus

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// cursors are those that this instance has stored or read last. To look at one in its
// stream has the server read the block that it is just writing to, under a lock, and keep
// that in memory from then on: everything that is to be stored waits meanwhile.
type cursors struct {
	sync.Mutex
	of map[string]cursor // by subject
}

type cursor struct {
	connection uint64 // it was stored or read by, see Bus.connection
	message    event.Message
}

// stored takes in the cursors among messages that were stored on connection number by.
func (c *cursors) stored(by uint64, stream string, first uint64, msgs []event.Message) {
	for i := range msgs {
		m := &msgs[i]
		c.lies(by, &event.Message{Stream: stream, Seq: first + uint64(i), Subject: m.Subject, Data: m.Data})
	}
}

// lies takes in a message that lies in a stream, if it is a cursor.
func (c *cursors) lies(by uint64, m *event.Message) {
	if m == nil || !isCursor(m.Subject) {
		return
	}
	kept := cursor{by, event.Message{Stream: m.Stream, Seq: m.Seq, Subject: m.Subject, Data: slices.Clone(m.Data)}}
	c.Lock()
	defer c.Unlock()
	if at, ok := c.of[m.Subject]; ok && at.connection == by && at.message.Seq > m.Seq {
		return // told late
	}
	if c.of == nil {
		c.of = map[string]cursor{}
	}
	c.of[m.Subject] = kept
}

// isCursor tells whether a subject of one of the hub's own streams is that of a cursor:
// out.cursor.IN_amt.
func isCursor(subject string) bool {
	_, rest, _ := strings.Cut(subject, ".")
	return strings.HasPrefix(rest, "cursor.") && ownStream(subject) != ""
}

// removed: what lay between two sequences may be gone.
func (c *cursors) removed(stream string, from, upTo uint64) {
	c.Lock()
	defer c.Unlock()
	maps.DeleteFunc(c.of, func(_ string, at cursor) bool {
		return at.message.Stream == stream && at.message.Seq >= from && at.message.Seq <= upTo
	})
}

// removed: what lay in a stream between two sequences may be gone, and may have been the
// last of its subject.
func (b *Bus) removed(stream string, from, upTo uint64) {
	b.known.removed(stream, from, upTo)
	b.cursors.removed(stream, from, upTo)
}

// Cursor gives the message of a cursor, nil for none, without its time: the last one that
// this instance has stored or read, if the connection has not broken since and the stream
// has its sequence, or else what lies in the stream. Another instance may have moved it on
// meanwhile; so it says what was reached at least, which is no guard.
func (b *Bus) Cursor(ctx context.Context, stream, subject string) (*event.Message, error) {
	b.cursors.Lock()
	at, there := b.cursors.of[subject]
	b.cursors.Unlock()
	if there && at.message.Stream == stream {
		is, err := b.State(ctx, stream)
		if err != nil {
			return nil, err
		}
		// a stream that was set back, or purged by hand, does not break the connection
		within := is.First <= at.message.Seq && at.message.Seq <= is.Last
		if connection, ok := b.connection(); ok && at.connection == connection && within {
			return &at.message, nil
		}
	}
	return b.Last(ctx, stream, subject)
}
