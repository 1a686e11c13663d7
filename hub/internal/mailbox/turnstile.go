package mailbox

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Turnstile lets copies through to a sink that is not always ready: a webhook that
// pauses, an application that fetches when it likes. A copy that waits for its turn
// is in nobody's hand and may expire; waiting is no attempt. Copies go through in
// the order of their sequence in OUT. The zero Turnstile is closed.
type Turnstile struct {
	mu      sync.Mutex
	free    int // turns that nobody has taken; Unlimited: open
	waiting turns
}

// Unlimited turns: the turnstile is open.
const Unlimited = -1

// Set says how many may go through now.
func (t *Turnstile) Set(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = n
	t.let()
}

// Add lets n more through; n below 0 takes back turns that nobody has taken yet.
func (t *Turnstile) Add(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free != Unlimited {
		t.free = max(t.free+n, 0)
	}
	t.let()
}

// ask queues for a turn; order is the copy's sequence.
func (t *Turnstile) ask(order uint64) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := &turn{of: t, order: order, granted: make(chan struct{})}
	heap.Push(&t.waiting, one)
	t.let()
	return one
}

// let is called with mu held.
func (t *Turnstile) let() {
	for t.free != 0 && len(t.waiting) > 0 {
		one, _ := heap.Pop(&t.waiting).(*turn)
		close(one.granted)
		if t.free != Unlimited {
			t.free--
		}
	}
}

// turn is one way through.
type turn struct {
	of      *Turnstile
	order   uint64
	place   int // in the heap; -1: not there
	granted chan struct{}
	spent   bool // belongs to the goroutine that asked
}

// leave gives back what was not spent.
func (t *turn) leave() {
	if t == nil || t.spent {
		return
	}
	t.spent = true
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.place >= 0 {
		heap.Remove(&t.of.waiting, t.place)
		return
	}
	if t.of.free != Unlimited {
		t.of.free++
	}
	t.of.let()
}

func (t *turn) spend() {
	if t != nil {
		t.spent = true
	}
}

// turns is a heap by order.
type turns []*turn

// Len implements heap.Interface.
func (h turns) Len() int { return len(h) }

// Less implements heap.Interface.
func (h turns) Less(i, j int) bool { return h[i].order < h[j].order }

// Swap implements heap.Interface.
func (h turns) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *turns) Push(x any) {
	one, _ := x.(*turn)
	one.place = len(*h)
	*h = append(*h, one)
}

// Pop implements heap.Interface.
func (h *turns) Pop() any {
	last := len(*h) - 1
	one := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	one.place = -1
	return one
}

// turn waits until a copy may go to the sink; false when something else is to be
// done for the key, or ctx ended. An attempt that is not due needs none.
func (b *Mailbox) turn(ctx context.Context, q *queue, seq uint64) bool {
	q.turn = nil
	if b.Turns == nil || !q.try.due() || b.Index.IsDone(b.Application, seq) {
		return true
	}
	one := b.Turns.ask(seq)
	select {
	case <-one.granted:
		q.turn = one
		return true
	case <-q.wake:
	case <-ctx.Done():
	}
	one.leave()
	return false
}

func (t *try) due() bool { return !time.Now().Before(t.next) }

// rouseDone wakes keys whose first copy has ended while it waited for its turn.
func (b *Mailbox) rouseDone() {
	if b.Turns == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, q := range b.keys {
		if len(q.waiting) > 0 && b.Index.IsDone(b.Application, q.waiting[0].Seq) {
			q.rouse()
		}
	}
}

// Free tells how many may go through that nobody has taken yet; Unlimited: any
// number.
func (t *Turnstile) Free() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free
}
