package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nuid"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// target is one of the streams that a lane writes to, seen from one in stream:
// where the lane stands there. It stores a batch as one, behind its cursor; or,
// where that is sooner, as a chain, which is a beginning of it at any time, with a
// cursor only now and then (ADR 0013).
type target struct {
	bus     *bus.Bus
	in      string // the in stream
	stream  string
	subject string          // of the cursor
	at      decision.Cursor // where the lane stands; the cursor in the stream may lag
	written decision.Cursor // as it lies in the stream
	last    uint64          // sequence of its message there; 0: none yet
	loose   int             // messages that stand behind the cursor without one
	first   uint64          // sequence of the first message that was written last, cursors aside
	// After a take-over stored messages of event begun, the next after at, may stand
	// there already.
	begun  uint64
	stored int
	// taking: what is behind the cursor is not known yet.
	taking bool
	eager  bool // it joins whatever that takes; tests only
}

// maxLoose is how many messages may stand behind a cursor without one: a take-over
// must look for them, and what was carried out is let go of only behind cursors.
const maxLoose = 64

// maxChained is how large a message of a chain may be, in bytes.
const maxChained = 256 << 10

func newTarget(b *bus.Bus, stream, root, in string) *target {
	return &target{bus: b, in: in, stream: stream, subject: decision.CursorSubject(root, in)}
}

// load reads where the cursor stands.
func (t *target) load(ctx context.Context) error {
	at, last, err := t.cursor(ctx)
	if err != nil {
		return err
	}
	t.taking = true
	t.bus.Loose(t.stream, t.in, 1)
	t.moved(at, last, 0, 0)
	return nil
}

func (t *target) cursor(ctx context.Context) (at decision.Cursor, seq uint64, err error) {
	m, err := t.bus.Last(ctx, t.stream, t.subject)
	if err != nil || m == nil {
		return at, 0, err
	}
	if err := json.Unmarshal(m.Data, &at); err != nil {
		return at, 0, fmt.Errorf("read the cursor at %s, sequence %d of %s: %w", t.subject, m.Seq, t.stream, err)
	}
	return at, m.Seq, nil
}

// write stores one batch. It returns bus.ErrFenced when another owner has written,
// and bus.ErrUnclear when a part of it may be stored: then the in stream must be
// taken over again. After any other error the same write (same Batch) is to be
// repeated.
func (t *target) write(ctx context.Context, b *batch) error {
	if t.chainable(b) {
		return t.chain(ctx, b)
	}
	if len(b.parts) > 0 {
		return errParts
	}
	cursor, err := t.message(b.cursor)
	if err != nil {
		return err
	}
	first, err := t.bus.Append(ctx, append([]event.Message{cursor}, b.msgs...), t.last)
	if err == nil {
		t.moved(b.cursor, first, first+1, 0)
		return nil
	}
	// fenced, or unknown: one read tells
	at, last, loadErr := t.cursor(ctx)
	switch {
	case loadErr != nil:
		return errors.Join(err, loadErr)
	case at.Batch == b.cursor.Batch:
		t.moved(b.cursor, last, last+1, 0)
		return nil
	case last != t.last:
		return fmt.Errorf("write to %s: %w", t.stream, bus.ErrFenced)
	}
	return err
}

// chainable tells whether a batch may go as a chain, and is sooner stored so. One
// that must be there as a whole goes as a batch: with parts, with debts, or when
// it does not move the cursor; and what is parked, since it may be taken out again
// at any time. Large messages are staged: so they wait on the server's disk, not in
// its memory.
func (t *target) chainable(b *batch) bool {
	if !t.linkable(b) || len(b.msgs) == 0 || b.cursor.Seq <= t.at.Seq || b.staged {
		return false
	}
	if len(b.parts) > 0 { // that was asked
		return !t.bus.IsTight()
	}
	return t.bus.Chained(len(b.msgs))
}

// linkable tells whether a batch behind this target's cursor may be part of a chain.
func (t *target) linkable(b *batch) bool {
	large := func(m event.Message) bool { return len(m.Data) > maxChained }
	return t.stream != bus.Parked && b.cursor.Part == 0 && t.at.Part == 0 && len(b.cursor.Owed) == 0 && len(t.at.Owed) == 0 &&
		!slices.ContainsFunc(b.msgs, large)
}

// joined makes one chain of several batches where that is sooner: each of them would wait for
// the one before it.
func (t *target) joined(batches []*batch) []*batch {
	if len(batches) < 2 {
		return batches
	}
	n, size := 0, 0
	for _, b := range batches {
		n, size = n+len(b.msgs), size+bytesOf(b.msgs)
		if !t.linkable(b) {
			return batches
		}
	}
	if n > maxJoined || size > packBytes {
		return batches
	}
	if yes, staged := t.bus.Joins(n); !yes && !t.eager {
		batches[0].staged = staged
		return batches
	}
	one := &batch{cursor: batches[len(batches)-1].cursor, msgs: make([]event.Message, 0, n+1), parts: batches}
	for _, b := range batches {
		one.msgs = append(one.msgs, b.msgs...)
	}
	return []*batch{one}
}

// maxJoined is how many messages a joined chain has at most.
const maxJoined = 4 * packMessages

// errParts: what was joined is to be stored part by part now, there is little room on the disk.
var errParts = errors.New("to be stored part by part")

// chain stores a batch as a chain; its cursor is the last message, if it is time
// for one.
func (t *target) chain(ctx context.Context, b *batch) error {
	msgs, loose, err := t.links(b)
	if err != nil {
		return err
	}
	if err := t.loosen(ctx); err != nil {
		return err
	}
	first, err := t.bus.Chain(ctx, msgs, bus.Guard{Subject: t.subject, Last: t.last})
	if err != nil {
		t.taking = t.taking || errors.Is(err, bus.ErrUnclear)
		return err
	}
	t.chained(b, first, loose)
	return nil
}

// links are the messages of a batch that goes as a chain, and how many then stand behind the
// cursor without one.
func (t *target) links(b *batch) (msgs []event.Message, loose int, err error) {
	if loose = t.loose + len(b.msgs); loose < maxLoose && !b.closes {
		return b.msgs, loose, nil
	}
	cursor, err := t.message(b.cursor)
	return append(b.msgs, cursor), 0, err // what has room for it is the batch's own
}

// loosen keeps what is about to be stored behind no cursor from being removed.
func (t *target) loosen(ctx context.Context) error {
	if t.loose > 0 || t.taking {
		return nil
	}
	end, err := t.bus.End(ctx, t.stream)
	if err == nil {
		t.bus.Loose(t.stream, t.in, end+1)
	}
	return err
}

// chained takes in that a batch was stored as a chain.
func (t *target) chained(b *batch, first uint64, loose int) {
	last := t.last
	if loose == 0 {
		last = first + uint64(len(b.msgs))
	}
	t.moved(b.cursor, last, first, loose)
}

func (t *target) message(c decision.Cursor) (event.Message, error) {
	data, err := json.Marshal(c)
	return event.Message{Subject: t.subject, Data: data}, err
}

func (t *target) moved(at decision.Cursor, last, first uint64, loose int) {
	t.at, t.last, t.first, t.loose, t.begun, t.stored = at, last, first, loose, 0, 0
	if loose == 0 {
		t.written = at
		if !t.taking {
			t.bus.Loose(t.stream, t.in, 0)
		}
	}
}

// rest leaves out of loads what was found stored at the take-over.
func (t *target) rest(loads []load) []load {
	if t.stored == 0 || len(loads) == 0 || loads[0].seq != t.begun {
		return loads
	}
	if t.stored >= len(loads[0].msgs) {
		return loads[1:]
	}
	return append([]load{{loads[0].seq, loads[0].msgs[t.stored:]}}, loads[1:]...)
}

// batch is one write: a cursor and what it completes.
type batch struct {
	cursor decision.Cursor
	msgs   []event.Message // with room for more only if nothing else uses that
	closes bool            // the cursor is to be written also behind a chain
	parts  []*batch        // what was joined for one chain; nil: nothing was
	staged bool            // it is sooner stored as an atomic batch: that was asked
}

func newBatch(c decision.Cursor, msgs []event.Message) *batch {
	c.Batch = nuid.Next()
	return &batch{cursor: c, msgs: msgs}
}
