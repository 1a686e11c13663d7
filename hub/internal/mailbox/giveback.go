package mailbox

import (
	"context"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// giveBack brings each parked copy to its end: in quarantine, in the trail,
// gone.
func (b *Mailbox) giveBack(ctx context.Context, q *queue, p *parkedKey) {
	returned := 0
	if !b.untilDone(ctx, func() error { return b.giveBackAll(ctx, p, &returned) }) ||
		!b.untilDone(ctx, func() error { return b.free(ctx, q, p) }) || p.asked == nil {
		return
	}
	p.asked.returned = returned
	p.asked.done <- nil
}

func (b *Mailbox) giveBackAll(ctx context.Context, p *parkedKey, returned *int) error {
	for {
		page, err := b.Bus.Page(ctx, bus.Parked, p.key.Subject(), 0, pageSize)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, stored := range page {
			m := restored(stored)
			if b.Index.IsDone(b.Application, m.Seq) {
				continue
			}
			if err := b.giveBackOne(ctx, m, stored.Get(event.HeaderCode)); err != nil {
				return err
			}
			*returned++
		}
		if err := b.remove(ctx, p, page[len(page)-1].Seq); err != nil {
			return err
		}
	}
}

func (b *Mailbox) giveBackOne(ctx context.Context, m *event.Message, why string) error {
	if err := b.quarantine(ctx, m, refusal.Returned, why); err != nil {
		return err
	}
	if b.reach(ctx, "quarantined") {
		return ctx.Err()
	}
	d := b.outcome(m, 1)
	d.Result, d.Code = decision.Refused, decision.CodeReturned
	return b.Recorder.Record(ctx, d)
}
