package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nuid"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// target is one of the streams that a lane writes to, seen from one in stream:
// where the lane's cursor stands there.
type target struct {
	bus     *bus.Bus
	stream  string
	subject string          // of the cursor
	at      decision.Cursor // as last written or read
	last    uint64          // sequence of the cursor's message in stream; 0: none yet
}

func newTarget(b *bus.Bus, stream, root, in string) *target {
	return &target{bus: b, stream: stream, subject: decision.CursorSubject(root, in)}
}

// load reads where the cursor stands.
func (t *target) load(ctx context.Context) error {
	m, err := t.bus.Last(ctx, t.stream, t.subject)
	if err != nil {
		return err
	}
	if m == nil {
		t.at, t.last = decision.Cursor{}, 0
		return nil
	}
	var at decision.Cursor
	if err := json.Unmarshal(m.Data, &at); err != nil {
		return fmt.Errorf("read the cursor at %s, sequence %d of %s: %w", t.subject, m.Seq, t.stream, err)
	}
	t.at, t.last = at, m.Seq
	return nil
}

// write stores one batch behind its cursor. It returns bus.ErrFenced when
// another owner has written; after any other error the batch may or may not be
// stored, and the same write (same Batch) is to be repeated.
func (t *target) write(ctx context.Context, b *batch) error {
	data, err := json.Marshal(b.cursor)
	if err != nil {
		return err
	}
	msgs := append([]event.Message{{Subject: t.subject, Data: data}}, b.msgs...)
	first, err := t.bus.Append(ctx, msgs, t.last)
	if err == nil {
		t.at, t.last = b.cursor, first
		return nil
	}
	// fenced, or unknown: one read tells
	mine := b.cursor
	before := t.last
	if loadErr := t.load(ctx); loadErr != nil {
		t.last = before
		return errors.Join(err, loadErr)
	}
	switch {
	case t.at.Batch == mine.Batch:
		return nil
	case t.last != before:
		return fmt.Errorf("write to %s: %w", t.stream, bus.ErrFenced)
	}
	return err
}

// batch is one atomic write: a cursor and what it completes.
type batch struct {
	cursor decision.Cursor
	msgs   []event.Message
}

func newBatch(c decision.Cursor, msgs []event.Message) *batch {
	c.Batch = nuid.Next()
	return &batch{cursor: c, msgs: msgs}
}
