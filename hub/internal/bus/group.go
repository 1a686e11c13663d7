package bus

import (
	"context"
	"errors"
	"sync"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Group publishes to one stream that takes atomic batches: what several callers
// bring at the same time is stored in one batch, and with it one sync. Alone, a
// caller waits for nobody.
type Group struct {
	bus *Bus

	mu      sync.Mutex
	waiting []*grouped
	working bool
}

// groups are those of all streams.
type groups struct {
	sync.Mutex
	of map[string]*Group
}

type grouped struct {
	msgs []event.Message
	size int
	done chan groupedAt
}

// groupedAt is the sequence of the first message, or why there is none.
type groupedAt struct {
	first uint64
	err   error
}

// Group gives the Group of a stream: all that publish to it share one.
func (b *Bus) Group(stream string) *Group {
	b.groups.Lock()
	defer b.groups.Unlock()
	if b.groups.of == nil {
		b.groups.of = map[string]*Group{}
	}
	g := b.groups.of[stream]
	if g == nil {
		g = &Group{bus: b}
		b.groups.of[stream] = g
	}
	return g
}

// Publish is Store for who does not need the sequences.
func (g *Group) Publish(ctx context.Context, msgs ...event.Message) error {
	_, err := g.Store(ctx, msgs...)
	return err
}

// Store gives the sequence of each message when all are stored and synced. They are
// stored together if they fit into one batch; in their order in any case.
// ErrStreamFull means that the last of them are not stored; after any other error each
// of them may be stored or not.
func (g *Group) Store(ctx context.Context, msgs ...event.Message) ([]uint64, error) {
	seqs := make([]uint64, 0, len(msgs))
	for len(msgs) > 0 {
		n, size := portionOf(msgs)
		first, err := g.one(ctx, &grouped{msgs: msgs[:n], size: size, done: make(chan groupedAt, 1)})
		if err != nil {
			return nil, err
		}
		for i := range n {
			seqs = append(seqs, first+uint64(i))
		}
		msgs = msgs[n:]
	}
	return seqs, nil
}

// portionOf tells how many of msgs fit into one batch, at least one.
func portionOf(msgs []event.Message) (n, size int) {
	for n < len(msgs) && n < MaxBatch {
		more := weight(&msgs[n])
		if n > 0 && size+more > MaxBatchBytes {
			break
		}
		n, size = n+1, size+more
	}
	return n, size
}

// weight is about what a message takes in a batch.
func weight(m *event.Message) int {
	n := len(m.Subject) + len(m.Data) + batchHeaders
	for name, values := range m.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}

func (g *Group) one(ctx context.Context, w *grouped) (uint64, error) {
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	lead := !g.working
	g.working = true
	g.mu.Unlock()
	if lead {
		go g.work(context.WithoutCancel(ctx))
	}
	select {
	case at := <-w.done:
		return at.first, at.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// work stores what waits, batch by batch, until nothing does.
func (g *Group) work(ctx context.Context) {
	for {
		batch := g.next()
		if batch == nil {
			return
		}
		g.store(ctx, batch)
	}
}

// next takes what fits into one batch; nil when nothing waits.
func (g *Group) next() []*grouped {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, count, size := 0, 0, 0
	for n < len(g.waiting) {
		w := g.waiting[n]
		if n > 0 && (count+len(w.msgs) > MaxBatch || size+w.size > MaxBatchBytes) {
			break
		}
		n, count, size = n+1, count+len(w.msgs), size+w.size
	}
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	if n == 0 {
		g.working, g.waiting = false, nil
		return nil
	}
	return batch
}

// store stores a batch. When it does not fit into the stream each caller's part
// is tried by itself: the smaller ones may.
func (g *Group) store(ctx context.Context, batch []*grouped) {
	var msgs []event.Message
	for _, w := range batch {
		msgs = append(msgs, w.msgs...)
	}
	first, err := g.write(ctx, msgs)
	if errors.Is(err, ErrStreamFull) && len(batch) > 1 {
		for _, w := range batch {
			first, err := g.write(ctx, w.msgs)
			w.done <- groupedAt{first, err}
		}
		return
	}
	for _, w := range batch {
		w.done <- groupedAt{first, err}
		first += uint64(len(w.msgs))
	}
}

func (g *Group) write(ctx context.Context, msgs []event.Message) (uint64, error) {
	if len(msgs) == 1 {
		return g.bus.Publish(ctx, msgs[0])
	}
	return g.bus.AppendUnguarded(ctx, msgs)
}
