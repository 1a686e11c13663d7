package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// What one batch holds at most, and how long the first waits for others.
const (
	MaxBatch      = 100
	maxBatchBytes = 1 << 20
	linger        = 20 * time.Millisecond
)

// item is an event on its way into a batch. One event a key is under way at a
// time, so a batch holds none of the same key twice.
type item struct {
	id   string
	body json.RawMessage
	done chan error
}

func (h *Hook) deliverInBatch(ctx context.Context, d *hub.Delivery) error {
	body, err := d.Event.MarshalJSON()
	if err != nil {
		return hub.Permanent("unreadable", "the event cannot be written as JSON")
	}
	it := &item{d.ID, body, make(chan error, 1)}
	select {
	case h.items <- it:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-it.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collect sends batches until ctx ends.
func (h *Hook) collect(ctx context.Context) {
	var first *item
	for {
		if first == nil {
			select {
			case first = <-h.items:
			case <-ctx.Done():
				return
			}
		}
		items, rest := h.gather(ctx, first)
		h.sendBatch(ctx, items)
		first = rest
	}
}

// gather waits a moment for others; rest did not fit any more.
func (h *Hook) gather(ctx context.Context, first *item) (items []*item, rest *item) {
	items = []*item{first}
	size := len(first.body)
	t := time.NewTimer(linger)
	defer t.Stop()
	for len(items) < MaxBatch {
		select {
		case it := <-h.items:
			if size += len(it.body); size > maxBatchBytes {
				return items, it
			}
			items = append(items, it)
		case <-t.C:
			return items, nil
		case <-ctx.Done():
			return items, nil
		}
	}
	return items, nil
}

// sendBatch sends items in one request. When the receiver refuses a batch as a
// whole it may mean one event: then each goes alone.
func (h *Hook) sendBatch(ctx context.Context, items []*item) {
	ids, events := make([]string, len(items)), make([][]byte, len(items))
	for i, it := range items {
		ids[i], events[i] = it.id, it.body
	}
	err := h.send(ctx, batch(ids, events))
	if f, ok := errors.AsType[*hub.Fault](err); ok && f.Permanent && len(items) > 1 {
		for _, it := range items {
			h.sendBatch(ctx, []*item{it})
		}
		return
	}
	for _, it := range items {
		it.done <- err
	}
}
