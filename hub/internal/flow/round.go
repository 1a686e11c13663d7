package flow

import (
	"context"
	"fmt"

	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
)

// roundSize is how many parked events are released at a time.
const roundSize = 500

// round lets the first parked events of a key enter again, by the edge stream,
// waits until its lane has carried them out, and only then removes them: they
// lie in PARKED until each has its outcome.
func (p *Parking) round(ctx context.Context, token string, k *heldKey) (ended bool, err error) {
	page, first, ended, err := p.enter(ctx, token, k)
	if err != nil || ended {
		return ended, err
	}
	if len(page) == 0 {
		return false, p.more(ctx, k)
	}
	if p.reach("entered"); !p.until(ctx, k, func() bool { return p.edge >= k.last }) {
		return false, ctx.Err()
	}
	p.mu.Lock()
	stopped := k.stopped
	k.round = ""
	p.mu.Unlock()
	if stopped > 0 {
		page = page[:stopped-first]
	}
	if err := p.remove(ctx, token, page); err != nil || stopped == 0 {
		return false, err
	}
	return p.stay(ctx, token, k)
}

// enter appends what a round releases to the edge stream; first is the sequence
// of page[0] there. A key of which nothing is left is free.
func (p *Parking) enter(ctx context.Context, token string, k *heldKey) (page []*event.Message, first uint64, ended bool, err error) {
	p.Deciding.Lock()
	defer p.Deciding.Unlock()
	if page, err = p.Bus.Page(ctx, bus.Parked, p.filter(token).Subject(), 0, roundSize); err != nil {
		return nil, 0, false, err
	}
	if len(page) == 0 {
		ended, err = p.free(ctx, token, k)
		return nil, 0, ended, err
	}
	round := nuid.Next()
	msgs, err := released(page, round)
	if err != nil {
		return nil, 0, false, err
	}
	if len(msgs) == 0 {
		p.Log.Error("a parked event is too large to enter again: return it to its sender", zap.String("key", token),
			zap.String("in", page[0].Get(event.HeaderIn)), zap.String("seq", page[0].Get(event.HeaderSeq)))
		ended, err = p.stay(ctx, token, k)
		return nil, 0, ended, err
	}
	if first, err = p.Bus.AppendUnguarded(ctx, msgs); err != nil {
		return nil, 0, false, fmt.Errorf("release %d events: %w", len(msgs), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k.round, k.stopped, k.last = round, 0, first+uint64(len(msgs))-1
	return page[:len(msgs)], first, false, nil
}

// released makes what enters the edge stream, up to the first that is too large
// for it: it carries a little more than its sender sent.
func released(page []*event.Message, round string) ([]event.Message, error) {
	var out []event.Message
	for _, m := range page {
		r, err := send.Released(m, round)
		if err != nil {
			return nil, err
		}
		if !bus.FitsIn(&r) {
			break
		}
		out = append(out, r)
	}
	return out, nil
}

// remove lets go of parked events that have their outcome.
func (p *Parking) remove(ctx context.Context, token string, done []*event.Message) error {
	if len(done) == 0 {
		return nil
	}
	if err := p.Bus.Purge(ctx, bus.Parked, p.filter(token).Subject(), done[len(done)-1].Seq); err != nil {
		return err
	}
	p.reach("removed")
	return nil
}

// free lets a key go if nothing of it is on its way to PARKED. It is called with
// Deciding held and nothing of the key in PARKED.
func (p *Parking) free(ctx context.Context, token string, k *heldKey) (ended bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(k.coming) > 0 {
		return false, nil
	}
	if err := p.unmark(ctx, token, k); err != nil {
		return false, err
	}
	p.Log.Info("a parked key is free", zap.String("key", token))
	delete(p.keys, token)
	if k.waits != nil {
		k.waits.done <- nil
	}
	return true, nil
}

// more waits until something of the key that was on its way has come to PARKED.
func (p *Parking) more(ctx context.Context, k *heldKey) error {
	p.mu.Lock()
	before := len(k.coming)
	p.mu.Unlock()
	p.until(ctx, k, func() bool { return before == 0 || len(k.coming) != before })
	return ctx.Err()
}

// stay ends a release that was stopped: the key is parked as before.
func (p *Parking) stay(ctx context.Context, token string, k *heldKey) (ended bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k.underway != decision.ActRelease { // a return has come meanwhile
		return false, nil
	}
	if err := p.unmark(ctx, token, k); err != nil {
		return false, err
	}
	p.Log.Error("a released key is parked again", zap.String("key", token))
	k.underway, k.works = "", false
	return true, nil
}

// until waits until ok, which is called with mu held, is true; false when ctx
// ended first.
func (p *Parking) until(ctx context.Context, k *heldKey, ok func() bool) bool {
	for {
		p.mu.Lock()
		done := ok()
		p.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-k.moved:
		case <-ctx.Done():
			return false
		}
	}
}

// reach lets a test end the hub at this point.
func (p *Parking) reach(point string) {
	if p.crash != nil {
		p.crash(point)
	}
}
