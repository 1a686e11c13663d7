package mailbox

import (
	"context"
	"sync"
)

// Hands says which copies are being worked on: handed out, parked, or taken out
// because they expired. A copy is in one hand at a time, so none is handed out
// after its sender was told that it expired, nor the other way round. Whoever has
// taken a copy must then ask the index whether it is settled. All mailboxes and
// the one that takes out share it.
type Hands struct {
	mu   sync.Mutex
	busy map[held]chan struct{} // closed when the hand opens
}

type held struct {
	mailbox string
	out     uint64 // sequence in OUT
}

// NewHands makes a Hands.
func NewHands() *Hands { return &Hands{busy: map[held]chan struct{}{}} }

// Take waits for a copy and returns what lets go of it, which may be called
// twice. When ctx ends first the copy is not taken, and ctx.Err() tells.
func (h *Hands) Take(ctx context.Context, mailbox string, out uint64) (free func()) {
	for ctx.Err() == nil {
		free, wait := h.try(mailbox, out)
		if wait == nil {
			return free
		}
		select {
		case <-wait:
		case <-ctx.Done():
		}
	}
	return func() {}
}

// TryTake takes a copy if nobody works on it.
func (h *Hands) TryTake(mailbox string, out uint64) (free func(), ok bool) {
	free, wait := h.try(mailbox, out)
	return free, wait == nil
}

func (h *Hands) try(mailbox string, out uint64) (free func(), wait chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := held{mailbox, out}
	if wait := h.busy[k]; wait != nil {
		return nil, wait
	}
	open := make(chan struct{})
	h.busy[k] = open
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.busy, k)
		close(open)
	}), nil
}
