// Package fence stores batches behind a cursor that nobody else may have moved (ADR 0005):
// each once, whatever crashes when, and none of a process that another one has relieved.
package fence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// Writer writes to one stream behind one cursor. It is used by one goroutine.
type Writer struct {
	// At is the cursor as it was read or written last.
	At decision.Cursor
	// Log is told of tries that failed; nil: nobody is.
	Log *zap.Logger

	bus             *bus.Bus
	stream, subject string
	last            uint64 // sequence of the cursor's message; 0: none yet
}

// New makes a writer to a stream of the hub (bus.Trail, bus.Out); name is the cursor's.
func New(b *bus.Bus, stream, name string) *Writer {
	return &Writer{bus: b, stream: stream, subject: decision.CursorSubject(strings.ToLower(stream), name)}
}

// Load reads where the cursor stands.
func (w *Writer) Load(ctx context.Context) error {
	m, err := w.bus.Last(ctx, w.stream, w.subject)
	if err != nil || m == nil {
		return err
	}
	var at decision.Cursor
	if err := json.Unmarshal(m.Data, &at); err != nil {
		return fmt.Errorf("read the cursor at %s: %w", w.subject, err)
	}
	w.At, w.last = at, m.Seq
	return nil
}

// Write stores msgs and moves the cursor to c, whose Batch it sets; it returns the
// sequence of the first of msgs. It tries until they are stored, or ctx ends: then they
// may be. bus.ErrStreamFull means that they are not, bus.ErrFenced that another
// process is at work.
func (w *Writer) Write(ctx context.Context, msgs []event.Message, c decision.Cursor) (uint64, error) {
	if len(msgs) >= bus.MaxBatch { // no repeat would mend it
		return 0, fmt.Errorf("write %d messages to %s: a batch holds %d beside its cursor", len(msgs), w.stream, bus.MaxBatch-1)
	}
	c.Batch = nuid.Next()
	data, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	batch := append([]event.Message{{Subject: w.subject, Data: data}}, msgs...)
	before := w.last
	for attempt := 1; ; attempt++ {
		first, err := w.bus.Append(ctx, batch, before)
		if err == nil {
			w.At, w.last = c, first
			return first + 1, nil
		}
		if errors.Is(err, bus.ErrStreamFull) {
			return 0, err
		}
		loadErr := w.Load(ctx) // fenced, or unknown: one read tells
		switch {
		case loadErr == nil && w.At.Batch == c.Batch:
			return w.last + 1, nil
		case loadErr == nil && w.last != before:
			return 0, fmt.Errorf("write to %s: %w", w.stream, bus.ErrFenced)
		case ctx.Err() != nil:
			return 0, errors.Join(err, loadErr)
		}
		if w.Log != nil && attempt > 1 { // the first one is now and then busy
			w.Log.Warn("a batch is not stored yet; trying again", zap.String("stream", w.stream), zap.Int("attempt", attempt), zap.Error(err))
		}
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
}

// maxWait bounds the delays between tries at the hub's own server.
const maxWait = 15 * time.Second
