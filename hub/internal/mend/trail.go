package mend

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// trail compares TRAIL and puts back what it has lost, each record at its
// sequence: cursors and the index count by them.
func (m *Mender) trail(ctx context.Context) error {
	c, err := m.compare(ctx, bus.Trail)
	if err != nil || c == nil {
		return err
	}
	state, err := m.Bus.State(ctx, bus.Trail)
	if err != nil {
		return err
	}
	if state.Messages > 0 && state.First < c.first {
		if c, err = m.beginning(ctx, c); err != nil {
			return err
		}
	}
	if len(c.losses) > 0 {
		if err := m.putBackTrail(ctx, c); err != nil {
			return err
		}
	}
	for _, hole := range c.holes {
		if err := m.setOpen(bus.Trail, hole.from, hole.to); err != nil {
			return err
		}
	}
	m.opened(c)
	m.note(c)
	return m.fill(ctx, bus.Trail, c)
}

// putBackTrail puts back what the trail has lost and its book has.
func (m *Mender) putBackTrail(ctx context.Context, c *comparison) error {
	m.name(c)
	last, err := m.Bus.LastSeq(ctx, bus.Trail)
	if err != nil {
		return err
	}
	if c.losses[0].Seq != last+1 { // not only the end: nothing can be put between
		if err := m.whole(c.book); err != nil {
			return fmt.Errorf("the trail is damaged and cannot be put back from the ledger: %w", err)
		}
		if m.Aside == nil {
			return errors.New("the trail is damaged; on an external server it is not put back by itself: wipe the damaged replica and let it be copied from the others")
		}
		if err := m.anew(ctx, c.book); err != nil {
			return err
		}
		last = c.book.First() - 1
	}
	n, err := m.refill(ctx, c.book, last)
	if err != nil {
		return fmt.Errorf("put the trail back: %w", err)
	}
	for i := range c.losses {
		c.losses[i].Fate = Restored
	}
	m.Log.Warn("the trail was put back from the ledger", zap.Int("records_written", n))
	return nil
}

// beginning has a book that has lost its first records begin anew with those of
// the stream, as long as that is whole.
func (m *Mender) beginning(ctx context.Context, c *comparison) (*comparison, error) {
	if len(c.losses) > 0 {
		return nil, fmt.Errorf("the trail is damaged and cannot be put back: %w: it lacks the records before %d; restore the data directory from your backup", ledger.ErrLedger, c.first)
	}
	if err := m.Ledger.SetBlind(bus.Trail, "the ledger had lost its beginning"); err != nil {
		return nil, err
	}
	if err := c.book.Drop(); err != nil {
		return nil, err
	}
	return m.compare(ctx, bus.Trail)
}

// whole makes sure that a book has every record before the stream goes.
func (m *Mender) whole(b *ledger.Book) error {
	return b.Each(func(e *ledger.Entry) error {
		if !e.Whole || e.Sum != ledger.Sum(&event.Message{Subject: e.Subject, Data: e.Data}) {
			return fmt.Errorf("%w: record %d", ledger.ErrLedger, e.Seq)
		}
		return nil
	})
}

// anew makes an empty TRAIL. If the hub ends before it is filled, the next start
// finds its end missing and goes on.
func (m *Mender) anew(ctx context.Context, b *ledger.Book) error {
	spec, known := m.spec(bus.Trail)
	if !known {
		return errors.New("TRAIL has no settings")
	}
	if err := b.Flush(true); err != nil {
		return err
	}
	if err := m.remove(ctx, bus.Trail); err != nil {
		return err
	}
	return m.Bus.MakeStream(ctx, spec, b.First())
}

// refill stores the records behind last.
func (m *Mender) refill(ctx context.Context, b *ledger.Book, last uint64) (n int, err error) {
	var batch []event.Message
	size := 0
	write := func() error {
		if len(batch) == 0 {
			return nil
		}
		first, err := m.Bus.AppendUnguarded(ctx, batch)
		if err != nil {
			return err
		}
		if first != last+1 {
			return fmt.Errorf("record %d came to %d", last+1, first)
		}
		last += uint64(len(batch))
		n += len(batch)
		batch, size = nil, 0
		return nil
	}
	add := func(msg event.Message) error {
		if len(batch) == bus.MaxBatch || size+len(msg.Data) > bus.MaxBatchBytes/2 {
			if err := write(); err != nil {
				return err
			}
		}
		batch = append(batch, msg)
		size += len(msg.Data)
		return nil
	}
	err = b.EachFrom(last+1, func(e *ledger.Entry) error {
		for e.Seq > last+1+uint64(len(batch)) { // it was lost while the book was too, and that was said
			if err := add(event.Message{Subject: filler(bus.Trail)}); err != nil {
				return err
			}
		}
		return add(event.Message{Subject: e.Subject, Data: e.Data})
	})
	if err == nil {
		err = write()
	}
	return n, err
}

// name finds the event ids of records.
func (m *Mender) name(c *comparison) {
	at := map[uint64]*Loss{}
	for i := range c.losses {
		at[c.losses[i].Seq] = &c.losses[i]
	}
	_ = c.book.EachFrom(c.losses[0].Seq, func(e *ledger.Entry) error {
		if l := at[e.Seq]; l != nil {
			l.name(e)
		}
		return nil
	}) // what cannot be read has no name
}

// name takes from a record of the trail which events it is about; what cannot be read
// has no name.
func (l *Loss) name(e *ledger.Entry) {
	msg := &event.Message{Seq: e.Seq, Subject: e.Subject, Data: e.Data}
	switch decision.Kind(e.Subject) {
	case decision.KindDecision:
		ds, err := trail.ReadDecisions(msg)
		if err != nil {
			return
		}
		l.ID, l.Of = ds[0].ID, decision.Ref{In: ds[0].In, Seq: ds[0].Seq}
		for _, d := range ds[1:] {
			l.Others = append(l.Others, d.ID)
		}
	case decision.KindDelivery:
		if d, err := trail.ReadDelivery(msg); err == nil {
			l.ID, l.Of = d.ID, decision.Ref{In: d.In, Seq: d.Seq}
		}
	}
}
