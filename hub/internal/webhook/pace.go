package webhook

import (
	"context"
	"sync"
	"time"
)

// pace spreads requests so that no more go out in a minute than are allowed.
type pace struct {
	mu    sync.Mutex
	every time.Duration // 0: no limit
	next  time.Time
}

// rate sets how many requests a minute; 0 is no limit.
func (p *pace) rate(perMinute int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.every = 0
	if perMinute > 0 {
		p.every = time.Minute / time.Duration(perMinute)
	}
}

// wait waits for a request's turn. Above one a second, up to a second's worth may
// go out at once.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if p.every == 0 {
		p.mu.Unlock()
		return ctx.Err()
	}
	ahead := time.Duration(0)
	if p.every < time.Second {
		ahead = time.Second
	}
	if p.next.Before(now.Add(-ahead)) {
		p.next = now.Add(-ahead)
	}
	at := p.next
	p.next = at.Add(p.every)
	p.mu.Unlock()
	if !at.After(now) {
		return ctx.Err()
	}
	t := time.NewTimer(at.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
