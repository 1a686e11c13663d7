package mailbox

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// When failing keys fill the hand, no other key shows whether the receiver is
// down as a whole or only they cannot go on. So one copy from beyond is tried.

// beyondSize is how many copies are looked through, beyondKeys how many keys
// are tried in turn: the first one may be bad itself.
const (
	beyondSize = 1024
	beyondKeys = 16
)

// lookBeyond has the first copy of some other key tried when the hand is full
// and nothing got through since q began to fail.
func (b *Mailbox) lookBeyond(ctx context.Context, q *queue) {
	b.mu.Lock()
	full := len(b.held) >= b.places && b.done == q.try.done && !b.looking
	last := uint64(0)
	for seq := range b.held {
		last = max(last, seq)
	}
	if full {
		b.looking = true
	}
	skip := b.looked % beyondKeys
	b.mu.Unlock()
	if !full {
		return
	}
	page, err := b.Bus.Page(ctx, bus.Out, "out."+b.Application+".>", last, beyondSize)
	if err != nil {
		b.Log.Debug("look beyond the copies in hand", zap.Error(err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looking = false
	b.looked++
	b.choose(ctx, page, skip)
}

// choose has the first copy of a key tried that has none in hand; it is called
// with mu held. Copies of one key keep their order: before a key's first copy
// beyond the hand all are settled when none is at work.
func (b *Mailbox) choose(ctx context.Context, page []*event.Message, skip int) {
	seen := map[string]bool{}
	var chosen *event.Message
	for _, m := range page {
		token := tokenOf(m)
		if seen[token] || b.Index.IsDone(b.Application, m.Seq) {
			continue
		}
		seen[token] = true
		if b.keys[token] != nil || b.parked[token] != nil {
			continue
		}
		chosen = m
		if skip--; skip < 0 {
			break
		}
	}
	if chosen != nil {
		b.queue(ctx, tokenOf(chosen)).beyond = chosen
	}
}

// tryBeyond makes one attempt. The copy stays in its mailbox: when its turn
// comes it is known to be done, or is tried like any other.
func (b *Mailbox) tryBeyond(ctx context.Context, q *queue, m *event.Message) {
	if !b.turn(ctx, q, m.Seq) {
		return
	}
	defer q.turn.leave()
	free := b.Hands.Take(ctx, b.Application, m.Seq)
	defer free()
	if b.Index.IsDone(b.Application, m.Seq) {
		return
	}
	verdict, err := b.attempt(ctx, q, m)
	done := verdict == settle.Release || verdict == settle.Quarantine
	if ctx.Err() != nil || done && !b.settled(ctx, m, q.try.attempt, err) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	q.try, q.failing = try{}, false
	if verdict != settle.Release {
		b.Attempts.plan(m, time.Time{}) // when its turn comes
		return
	}
	for _, other := range b.keys { // they are judged anew
		if other.failing {
			other.rouse()
		}
	}
}
