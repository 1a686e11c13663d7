package quota

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Share is what one organisation may fill of a stream that all share, QUARANTINE
// or PARKED: no more than what is still free of it. So nobody can fill it up for
// the others; the first to be held up is who fills it. Its methods are safe for
// concurrent use.
type Share struct {
	Organisation string
	Bus          *bus.Bus
	Stream       string
	Filter       string // the organisation's subjects in Stream
	Total        int64  // what Stream can hold, in bytes
	Log          *zap.Logger

	mu      sync.Mutex
	counted bool
	bytes   int64  // of the organisation
	used    uint64 // of Stream, as last seen
	told    bool
}

// lookEvery is how often a share that is full looks whether somebody has made
// room.
const lookEvery = 500 * time.Millisecond

// Wait returns when there is room for messages of a size: at once, or when a
// steward has made room. Who has nothing in the stream never waits.
func (s *Share) Wait(ctx context.Context, size int64) error {
	for {
		ok, err := s.room(ctx, size)
		if ok || ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.Log.Warn("an organisation's share of a stream could not be counted; trying again",
				zap.String("organisation", s.Organisation), zap.String("stream", s.Stream), zap.Error(err))
		}
		t := time.NewTimer(lookEvery)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// Has tells whether there is room for messages of a size now; not when that is not known.
func (s *Share) Has(ctx context.Context, size int64) bool {
	ok, err := s.room(ctx, size)
	return ok && err == nil
}

// Stored takes in that messages of a size were stored.
func (s *Share) Stored(size int64) {
	s.mu.Lock()
	s.bytes += size
	s.mu.Unlock()
}

func (s *Share) room(ctx context.Context, size int64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, used, err := s.Bus.Size(ctx, s.Stream)
	if err != nil {
		return false, err
	}
	if used < s.used { // something was removed, perhaps of this organisation
		s.counted = false
	}
	s.used = used
	if !s.counted {
		if err := s.count(ctx); err != nil {
			return false, err
		}
	}
	if s.bytes == 0 {
		return true, nil
	}
	free := s.Total - int64(used) //nolint:gosec // no stream is so large
	if s.bytes+size <= free-size {
		if s.told {
			s.told = false
			s.Log.Info("there is room again", zap.String("organisation", s.Organisation), zap.String("stream", s.Stream))
		}
		return true, nil
	}
	if !s.told {
		s.told = true
		s.Log.Error("an organisation's share of a stream is full: its events wait in its in streams, all others go on; a steward must clear what rests there",
			zap.String("organisation", s.Organisation), zap.String("stream", s.Stream), zap.Int64("used_bytes", s.bytes), zap.Int64("free_bytes", free))
	}
	return false, nil
}

// count reads how much lies there. mu is held.
func (s *Share) count(ctx context.Context) error {
	sum := int64(0)
	err := s.Bus.Headers(ctx, s.Stream, 1, []string{s.Filter}, func(m *event.Message) error {
		n, err := sizeOf(m)
		sum += n
		return err
	})
	if err == nil {
		s.bytes, s.counted = sum, true
	}
	return err
}

// sizeOf is Size of a message that was read without its data.
func sizeOf(m *event.Message) (int64, error) {
	var data int64
	if _, err := fmt.Sscan(m.Get("Nats-Msg-Size"), &data); err != nil {
		return 0, fmt.Errorf("size of message %d: %w", m.Seq, err)
	}
	return int64(m.Weight()) + data, nil
}
