package quarantine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// KeepOriginals is how long the original of an edited event is kept, whatever its type
// says of keep: so long as events are told apart.
const KeepOriginals = 30 * 24 * time.Hour

// Original gives the message of QUARANTINE as it was before its event was edited; nil
// when it was not, or its time is over.
func Original(ctx context.Context, b *bus.Bus, seq uint64) (*event.Message, error) {
	return b.Last(ctx, bus.Quarantine, originalRoot+strconv.FormatUint(seq, 10))
}

// keep stores the original of what is edited, as it lay there.
func (c *Clerk) keep(ctx context.Context, mk *mark, m *event.Message) error {
	kept := event.Message{Subject: originalRoot + strconv.FormatUint(mk.Seq, 10), Header: m.Header, Data: m.Data}
	if _, err := c.Bus.Append(ctx, []event.Message{kept}, 0); err != nil && !errors.Is(err, bus.ErrFenced) {
		return fmt.Errorf("keep the original of an edited event: %w", err)
	}
	return c.reach("kept")
}

// sweep removes the organisation's originals whose time is over, now and then.
func (c *Clerk) sweep(ctx context.Context) error {
	if c.Now().Before(c.swept.Add(time.Hour)) {
		return nil
	}
	c.swept = c.Now()
	for after := uint64(0); ; {
		m, err := c.Bus.At(ctx, bus.Quarantine, after+1, originalRoot+"*")
		if err != nil || m == nil || c.Now().Sub(m.Time) < KeepOriginals {
			return err
		}
		after = m.Seq
		if in := m.Get(event.HeaderIn); in != bus.InStream(c.Organisation) && in != bus.EdgeStream(c.Organisation) {
			continue
		}
		if err := c.remove(ctx, m); err != nil {
			return err
		}
	}
}

func (c *Clerk) remove(ctx context.Context, m *event.Message) error {
	record, err := trail.Removal(&decision.Removal{
		Stream: bus.Quarantine, Why: decision.WhyKept, At: c.Now().UTC(),
		Ranges: []decision.Range{{Subject: m.Subject, From: m.Seq, UpTo: m.Seq, Messages: 1}},
	})
	if err != nil {
		return err
	}
	if _, err := c.Bus.AppendUnguarded(ctx, []event.Message{record}); err != nil {
		return err
	}
	return c.Bus.Purge(ctx, bus.Quarantine, m.Subject, m.Seq)
}
