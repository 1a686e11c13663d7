package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Limits hold applications and organisations to their rates. What one organisation
// uses up slows only itself.
type Limits struct {
	Now func() time.Time

	mu            sync.Mutex
	applications  map[string]*rate.Limiter
	organisations map[string]*rate.Limiter
	rooms         map[string]*semaphore.Weighted
}

const (
	// roomBytes is how many bytes of an organisation's requests are read at a time.
	roomBytes = 16 << 20
	// roomWait is how long a request waits for its turn to be read.
	roomWait = 5 * time.Second
)

// Admit counts a request before it is read; nil: go on.
func (l *Limits) Admit(p *Principal) *Problem { return l.More(p, 1) }

// More counts n further events of a request; nil: go on.
func (l *Limits) More(p *Principal, n int) *Problem {
	if n <= 0 {
		return nil
	}
	now := l.Now()
	own, all := l.of(p)
	whole := all.ReserveN(now, n)
	if wait := whole.DelayFrom(now); wait > 0 {
		whole.CancelAt(now)
		return tooMany(wait)
	}
	part := own.ReserveN(now, n)
	if wait := part.DelayFrom(now); wait > 0 {
		part.CancelAt(now)
		whole.CancelAt(now)
		return tooMany(wait)
	}
	return nil
}

func tooMany(wait time.Duration) *Problem {
	return &Problem{Status: http.StatusTooManyRequests, Code: refusal.RateLimit, RetryAfter: min(wait, time.Minute)}
}

// of gives the limiters of an application and of its organisation, as the directory
// has them now.
func (l *Limits) of(p *Principal) (own, all *rate.Limiter) {
	whole := federation.DefaultOrganisationRate
	if o, ok := p.Federation.Organisation(p.Organisation()); ok {
		whole = o.Rate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.applications == nil {
		l.applications, l.organisations, l.rooms = map[string]*rate.Limiter{}, map[string]*rate.Limiter{}, map[string]*semaphore.Weighted{}
	}
	return limiter(l.applications, p.Application.ID, p.Application.Limits.Rate), limiter(l.organisations, p.Organisation(), whole)
}

// limiter is called with mu held. A whole batch may come at once.
func limiter(of map[string]*rate.Limiter, id string, perSecond int) *rate.Limiter {
	x := of[id]
	if x == nil || x.Limit() != rate.Limit(perSecond) {
		x = rate.NewLimiter(rate.Limit(perSecond), max(perSecond, accept.MaxBatch))
		of[id] = x
	}
	return x
}

// Room waits until a request's body, of so many bytes (less than 0: not said) and at
// most limit, may be read; done gives the room back.
func (l *Limits) Room(ctx context.Context, p *Principal, length, limit int64) (done func(), problem *Problem) {
	need := min(limit, roomBytes)
	if length >= 0 {
		need = min(length, need)
	}
	l.mu.Lock()
	room := l.rooms[p.Organisation()]
	if room == nil {
		room = semaphore.NewWeighted(roomBytes)
		l.rooms[p.Organisation()] = room
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, roomWait)
	defer cancel()
	if err := room.Acquire(ctx, need); err != nil {
		return nil, tooMany(roomWait)
	}
	return func() { room.Release(need) }, nil
}
