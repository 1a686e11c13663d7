package open311_test

import (
	"context"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// watched is an Intake that sees what the source remembers.
type watched struct {
	*adaptertest.Intake
	state *remembered
}

func (w *watched) State() hub.State { return w.state }

type remembered struct {
	hub.State

	mu   sync.Mutex
	seen []string
}

func (r *remembered) Put(ctx context.Context, key string, value []byte) error {
	r.mu.Lock()
	r.seen = append(r.seen, key+" "+string(value))
	r.mu.Unlock()
	return r.State.Put(ctx, key, value)
}

func later(minutes int) time.Time {
	return time.Now().Add(time.Duration(minutes) * time.Minute).Truncate(time.Second)
}
