package webhook

import (
	"context"
	"errors"
	"time"
)

// ErrNotRunning means that the hook has not read its state yet, or has ended: nothing
// is changed.
var ErrNotRunning = errors.New("the webhook is not running")

// running is called with mu held. What a hook that runs is told is stored before the
// next one begins.
func (h *Hook) running() bool { return h.loaded && !h.ended }

// begin writes to the trail what a person does to a hook that runs.
func (h *Hook) begin(ctx context.Context, act, who, reason string) error {
	h.mu.Lock()
	running := h.running()
	h.mu.Unlock()
	if !running {
		return ErrNotRunning
	}
	return h.Record(ctx, act, who, reason)
}

// Pause stops deliveries until Resume. It returns when that is in the trail and
// stored. ErrNotRunning: the hook cannot be paused now.
func (h *Hook) Pause(ctx context.Context, who, reason string) error {
	if err := h.begin(ctx, "webhook-pause", who, reason); err != nil {
		return err
	}
	running := false
	h.close(func(s *State) {
		if running = h.running(); running {
			s.Halt = &Halt{Why: HaltPaused, At: time.Now().UTC(), Who: who, Reason: reason}
		}
	})
	if !running {
		return ErrNotRunning
	}
	return h.save(ctx)
}

// Resume ends a halt, whatever its reason, and tries at once what waits; after a
// 410 the receiver is asked for its consent again. ErrNotRunning: as for Pause.
func (h *Hook) Resume(ctx context.Context, who, reason string) error {
	if err := h.begin(ctx, "webhook-resume", who, reason); err != nil {
		return err
	}
	h.mu.Lock()
	if !h.running() {
		h.mu.Unlock()
		return ErrNotRunning
	}
	s := h.state
	if s.Halt != nil && s.Halt.Why == HaltGone {
		s.Consent = nil
	}
	s.Halt, s.Trouble, s.PutOff, s.Until, s.Refusals, h.dirty = nil, nil, nil, time.Time{}, 0, true
	if !s.Consent.Valid(time.Now()) {
		s.Asked = time.Time{}
	}
	h.mu.Unlock()
	defer h.rouse()
	return h.save(ctx)
}
