package keep

import (
	"context"
	"fmt"
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// maxLag is how far the cursor of the receipts may stay behind the trail for want
// of receipts; it bounds what is read after a restart.
const maxLag = 10_000

// Tell stores the receipts that are due now, without waiting for a run.
func (k *Keeper) Tell(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.open(ctx); err != nil {
		return err
	}
	return k.tell(ctx)
}

// tell stores the receipts of what expired, and of what was handed over where the
// agreement asks for that, from the trail alone: in the batch that moves their
// cursor, so each once.
func (k *Keeper) tell(ctx context.Context) error {
	type receipt struct {
		at uint64 // of its record in TRAIL
		m  event.Message
	}
	var todo []receipt
	err := k.Bus.Often(ctx, bus.Trail, k.heard+1, []string{"trail.delivery.>"}, func(m *event.Message) error {
		d, err := trail.ReadDelivery(m)
		if err != nil {
			return err
		}
		switch {
		case d.Result == decision.Expired && d.Expiry != nil && d.Expiry.Receipt != "":
			todo = append(todo, receipt{m.Seq, send.Expired(d)})
		case d.Result == decision.Done && d.Handed != nil && d.Handed.Receipt != "":
			todo = append(todo, receipt{m.Seq, send.Delivered(d)})
		}
		k.heard = m.Seq
		return nil
	})
	if err != nil {
		k.heard = k.told.At.Trail
		return err
	}
	for some := range slices.Chunk(todo, atOnce) {
		msgs := make([]event.Message, len(some))
		for i, r := range some {
			msgs[i] = r.m
		}
		if _, err := k.told.Write(ctx, msgs, decision.Cursor{Trail: some[len(some)-1].at}); err != nil {
			k.heard = k.told.At.Trail
			return fmt.Errorf("tell senders of what became of copies: %w", err)
		}
		if err := k.reach(ctx, "told"); err != nil {
			k.heard = k.told.At.Trail
			return err
		}
	}
	if k.heard > k.told.At.Trail+maxLag {
		_, err = k.told.Write(ctx, nil, decision.Cursor{Trail: k.heard})
	}
	return err
}
