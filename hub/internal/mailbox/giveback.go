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
			gave, err := b.giveBackOne(ctx, restored(stored), stored.Get(event.HeaderCode))
			if err != nil {
				return err
			}
			if gave {
				*returned++
			}
		}
		if err := b.remove(ctx, p, page[len(page)-1].Seq); err != nil {
			return err
		}
	}
}

// giveBackOne tells whether there was something to give back.
func (b *Mailbox) giveBackOne(ctx context.Context, m *event.Message, why string) (bool, error) {
	free := b.Hands.Take(ctx, b.Application, m.Seq)
	defer free()
	if ctx.Err() != nil || b.Index.IsDone(b.Application, m.Seq) {
		return false, ctx.Err()
	}
	if err := b.quarantine(ctx, m, refusal.Returned, why); err != nil {
		return false, err
	}
	if b.reach(ctx, "quarantined") {
		return false, ctx.Err()
	}
	d := b.outcome(m, 1)
	d.Result, d.Code = decision.Refused, decision.CodeReturned
	return true, b.Recorder.Record(ctx, d)
}
