package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// indexDir lies in the data directory, also when the NATS server is another's.
const indexDir = "index"

// keepEvery is how often the index is looked after.
const keepEvery = 5 * time.Second

// openIndex opens the index and has it read the trail to its end.
func openIndex(ctx context.Context, b *bus.Bus, data string, o index.Options) (*index.Index, error) {
	for again := false; ; again = true {
		x, err := index.Open(filepath.Join(data, indexDir), o)
		if err != nil {
			return nil, err
		}
		if err = readOn(ctx, b, x, o.Log); err == nil {
			return x, nil
		}
		damaged := x.Err() != nil
		_ = x.Close()
		if again || !damaged {
			return nil, err
		}
		o.Log.Error("the index is damaged; it is built anew", zap.Error(err))
	}
}

func readOn(ctx context.Context, b *bus.Bus, x *index.Index, log *zap.Logger) error {
	began := time.Now()
	created, last, err := b.Extent(ctx, bus.Trail)
	if err != nil {
		return err
	}
	at := func(ctx context.Context, seq uint64) (*event.Message, error) { return b.At(ctx, bus.Trail, seq, ">") }
	if err := x.Belongs(ctx, index.Trail{Created: created, Last: last, At: at}); err != nil {
		return err
	}
	from := x.Applied()
	if err := b.Read(ctx, bus.Trail, from+1, nil, x.Apply); err != nil {
		return fmt.Errorf("read the trail: %w", err)
	}
	log.Info("trail read", zap.Uint64("from", from), zap.Uint64("to", x.Applied()), zap.Duration("took", time.Since(began)))
	return markIndex(ctx, b, x)
}

// markIndex has the index remember the last message that it has read.
func markIndex(ctx context.Context, b *bus.Bus, x *index.Index) error {
	seq := x.Applied()
	if seq == 0 {
		return nil
	}
	m, err := b.At(ctx, bus.Trail, seq, ">")
	if err == nil && m != nil && m.Seq == seq {
		x.Mark(m)
	}
	return err
}

// keepIndex looks after the index until ctx ends. Its damage ends the hub, since
// without it nothing can be decided; the next start builds it anew.
func (a *App) keepIndex(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.index.Failed():
			return a.index.Err()
		case <-tick.C:
		}
		err := fillGap(ctx, a.bus, a.index)
		if err == nil {
			err = markIndex(ctx, a.bus, a.index)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("look after the index; trying again", zap.Error(err))
		}
	}
}

// fillGap has the index take in what nobody told it of: what persons had the hub
// do, and writes whose writer ended before it knew that they were stored.
func fillGap(ctx context.Context, b *bus.Bus, x *index.Index) error {
	from, to, ok := x.Gap()
	for ok && from <= to {
		page, err := b.Page(ctx, bus.Trail, ">", from-1, int(min(to-from+1, bus.MaxBatch)))
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			if err := x.Apply(m); err != nil {
				return err
			}
		}
		from = page[len(page)-1].Seq + 1
	}
	return nil
}
