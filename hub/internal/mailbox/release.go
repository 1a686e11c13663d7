package mailbox

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

var errEnding = errors.New("the hub is stopping: try again when it runs")

// act is what a person asked for, waiting for its turn among what is done for
// the key.
type act struct {
	token    string
	returns  bool
	returned int
	done     chan error
}

// Release has the parked copies of a key handed out, in order, before newer
// ones; a release that is underway tries again at once. It returns when that is
// stored: it will go on after a restart.
func (b *Mailbox) Release(ctx context.Context, token string) error {
	return b.ask(ctx, &act{token: token, done: make(chan error, 1)})
}

// Return sends the parked copies of a key back: they rest in quarantine as
// RETURNED, and the key is free. It tells how many there were. Once it has
// begun it ends, also after a restart.
func (b *Mailbox) Return(ctx context.Context, token string) (int, error) {
	a := &act{token: token, returns: true, done: make(chan error, 1)}
	if err := b.ask(ctx, a); err != nil {
		return 0, err
	}
	return a.returned, nil
}

func (b *Mailbox) ask(ctx context.Context, a *act) error {
	b.mu.Lock()
	asked := b.asked
	b.mu.Unlock()
	if asked == nil {
		return parked.ErrStarting
	}
	select {
	case asked <- a:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listen gives what a person asks for to the key's queue.
func (b *Mailbox) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-b.asked:
			b.mu.Lock()
			q := b.queue(ctx, a.token)
			q.acts = append(q.acts, a)
			q.rouse()
			b.mu.Unlock()
		}
	}
}

// act begins what a person asked for: stored first, so that it goes on after a
// crash.
func (b *Mailbox) act(ctx context.Context, q *queue, p *parkedKey, a *act) {
	switch {
	case p == nil:
		a.done <- parked.ErrNotParked
		return
	case p.underway == decision.ActReturn:
		a.done <- parked.ErrReturning
		return
	}
	name := decision.ActRelease
	if a.returns {
		name = decision.ActReturn
	}
	if name != p.underway {
		if err := b.mark(ctx, p, name); err != nil {
			a.done <- err
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p.underway = name
	q.try = try{}
	if a.returns {
		p.asked = a
		return
	}
	a.done <- nil
}

// mark stores that an act is underway.
func (b *Mailbox) mark(ctx context.Context, p *parkedKey, act string) error {
	if _, err := b.Bus.Publish(ctx, event.Message{Subject: p.key.Mark(act)}); err != nil {
		return err
	}
	b.reach(ctx, "marked")
	return ctx.Err()
}

// pageSize is how many parked copies are read at a time.
const pageSize = 256

// handOutParked brings the first parked copy of a released key one step
// further, and frees the key behind the last.
func (b *Mailbox) handOutParked(ctx context.Context, q *queue, p *parkedKey) {
	if len(p.page) == 0 && !b.untilDone(ctx, func() error { return b.turnPage(ctx, p) }) {
		return
	}
	if len(p.page) == 0 {
		b.untilDone(ctx, func() error { return b.free(ctx, q, p) })
		return
	}
	m := restored(p.page[0])
	if !b.turn(ctx, q, m.Seq) {
		return
	}
	defer q.turn.leave()
	free := b.Hands.Take(ctx, b.Application, m.Seq)
	defer free()
	if b.Index.IsDone(b.Application, m.Seq) {
		p.turn(q)
		return
	}
	verdict, err := b.attempt(ctx, q, m)
	switch {
	case ctx.Err() != nil:
	case verdict == settle.Again:
		free() // it may expire while it waits
		b.pause(ctx, q)
	case verdict == settle.Park:
		b.parkAgain(ctx, q, p, m, err)
	case b.settled(ctx, m, q.try.attempt, err) && !b.reach(ctx, "handed out"):
		p.turn(q)
	}
}

// turn goes on to the next parked copy.
func (p *parkedKey) turn(q *queue) {
	p.gone = p.page[0].Seq
	p.page = p.page[1:]
	q.try = try{}
}

// turnPage removes what was handed out and reads what comes next.
func (b *Mailbox) turnPage(ctx context.Context, p *parkedKey) (err error) {
	if err := b.remove(ctx, p, p.gone); err != nil {
		return err
	}
	p.page, err = b.Bus.Page(ctx, bus.Parked, p.key.Subject(), 0, pageSize)
	return err
}

// remove lets go of the key's messages in PARKED up to a sequence.
func (b *Mailbox) remove(ctx context.Context, p *parkedKey, upTo uint64) error {
	if upTo == 0 {
		return nil
	}
	if err := b.Bus.Purge(ctx, bus.Parked, p.key.Subject(), upTo); err != nil {
		return err
	}
	if upTo >= p.last {
		p.last = 0
	}
	b.reach(ctx, "removed")
	return ctx.Err()
}

// free ends a key's parking: nothing of it is left in PARKED.
func (b *Mailbox) free(ctx context.Context, q *queue, p *parkedKey) error {
	if err := b.Bus.Purge(ctx, bus.Parked, p.key.Mark("*"), bus.Everything); err != nil {
		return err
	}
	b.Log.Info("a parked key is free", zap.String("key", q.token))
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.parked, q.token)
	q.try = try{}
	return nil
}

// parkAgain ends a release whose first copy still fails.
func (b *Mailbox) parkAgain(ctx context.Context, q *queue, p *parkedKey, m *event.Message, err error) {
	p.first, p.code = m.Seq, faultCode(err)
	b.Log.Error("a released key is parked again", zap.String("key", q.token), zap.Uint64("out", m.Seq), zap.Error(err))
	d := b.outcome(m, q.try.attempt)
	d.Result, d.Code, d.Attempts = decision.Parked, p.code, b.Attempts.Of(m.Get(event.HeaderDelivery))
	b.untilDone(ctx, func() error {
		if err := b.Recorder.Record(ctx, d); err != nil {
			return err
		}
		if err := b.remove(ctx, p, p.gone); err != nil {
			return err
		}
		return b.Bus.Purge(ctx, bus.Parked, p.key.Mark("*"), bus.Everything)
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	p.underway, p.page, q.try = "", nil, try{}
}
