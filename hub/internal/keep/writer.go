package keep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nuid"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// writer stores batches behind a cursor of the keeper's own, as the lanes do
// (ADR 0005): each once, whatever crashes when.
type writer struct {
	bus             *bus.Bus
	stream, subject string
	at              decision.Cursor
	last            uint64 // sequence of the cursor's message; 0: none yet
}

func newWriter(b *bus.Bus, stream, root string) *writer {
	return &writer{bus: b, stream: stream, subject: decision.CursorSubject(root, decision.CursorExpiry)}
}

func (w *writer) load(ctx context.Context) error {
	m, err := w.bus.Last(ctx, w.stream, w.subject)
	if err != nil || m == nil {
		return err
	}
	var at decision.Cursor
	if err := json.Unmarshal(m.Data, &at); err != nil {
		return fmt.Errorf("read the cursor at %s: %w", w.subject, err)
	}
	w.at, w.last = at, m.Seq
	return nil
}

// write stores msgs and moves the cursor to trailSeq; it returns the sequence of
// the first of msgs. It tries until they are stored, or ctx ends: then they may
// be. bus.ErrStreamFull means that they are not, bus.ErrFenced that another
// keeper is at work.
func (w *writer) write(ctx context.Context, msgs []event.Message, trailSeq uint64) (uint64, error) {
	c := decision.Cursor{Trail: trailSeq, Batch: nuid.Next()}
	data, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	batch := append([]event.Message{{Subject: w.subject, Data: data}}, msgs...)
	before := w.last
	for attempt := 1; ; attempt++ {
		first, err := w.bus.Append(ctx, batch, before)
		if err == nil {
			w.at, w.last = c, first
			return first + 1, nil
		}
		if errors.Is(err, bus.ErrStreamFull) {
			return 0, err
		}
		loadErr := w.load(ctx) // fenced, or unknown: one read tells
		switch {
		case loadErr == nil && w.at.Batch == c.Batch:
			return w.last + 1, nil
		case loadErr == nil && w.last != before:
			return 0, fmt.Errorf("write to %s: %w", w.stream, bus.ErrFenced)
		case ctx.Err() != nil:
			return 0, errors.Join(err, loadErr)
		}
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
}

// maxWait bounds the delays between tries at the hub's own server.
const maxWait = 15 * time.Second
