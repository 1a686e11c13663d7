package phoenix

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// Work implements hub.Worker: it tells the digests. Without sammeln it tells what waits
// from a time when there was one.
func (s *sink) Work(ctx context.Context) error {
	if leave, err := s.journal.hold(unix.LOCK_SH); err == nil {
		defer leave()
	} else { // a file system without locks, where the setting dir points to
		s.log.Warn("phoenix: other adapters cannot see that this one is at work", zap.Error(err))
	}
	ctx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	watching.Go(func() { s.watch(ctx) })
	return s.rounds(ctx)
}

func (s *sink) rounds(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := s.round(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		s.rest(ctx, wait)
	}
	return nil
}

// forever is how long to wait when nothing waits.
const forever = time.Duration(-1)

func (s *sink) rest(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait != forever {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-due:
	}
}

// round lets go of what is told, or tells one target its digest if one is due, and says
// how long to wait for the next round. In between Deliver has its turn.
func (s *sink) round(ctx context.Context) (time.Duration, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	if more, err := s.release(); err != nil || more {
		return 0, err
	}
	q, wait := s.nextQueue(time.Now())
	if q == nil || wait > 0 {
		return wait, nil
	}
	err = s.flush(ctx, q)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.failing(q, err)
	default:
		q.setback, s.digest.server = setback{}, setback{}
	}
	return 0, nil
}

// nextQueue is the target whose turn is next, and how long until then; one that has
// failed has its turn after those that are due.
func (s *sink) nextQueue(now time.Time) (*queue, time.Duration) {
	var next *queue
	var due time.Time
	for _, q := range s.digest.queues {
		if !s.pending(q) {
			continue
		}
		if at := s.due(q, now); next == nil || at.Before(due) {
			next, due = q, at
		}
	}
	if next == nil {
		return nil, forever
	}
	if server := &s.digest.server; server.failed != nil && due.Before(server.next) {
		due = server.next
	}
	return next, max(due.Sub(now), 0)
}
