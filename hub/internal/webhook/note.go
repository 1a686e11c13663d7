package webhook

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// longPause without a success, as the receiver asks, is what the contact hears of.
const longPause = time.Hour

// note draws the conclusions for the receiver as a whole.
func (h *Hook) note(ctx context.Context, a answer) {
	switch a.verdict {
	case delivered, refused: // it is there and decides
		h.recovered()
	case gone:
		h.halt(ctx)
	case wait:
		h.putOff(a)
		h.Log.Info("the receiver asks to wait", zap.Duration("after", a.after), zap.String("code", a.code))
	case failed:
		h.failed(a.code)
	}
}

// putOff waits as the receiver asks, and tells when nothing gets through for long.
func (h *Hook) putOff(a answer) {
	now, tell := time.Now().UTC(), false
	var since time.Time
	h.close(func(s *State) {
		s.Until = later(s.Until, now.Add(max(a.after, time.Second)))
		if s.PutOff == nil {
			s.PutOff = &PutOff{Since: now}
		}
		tell = !s.PutOff.Told && s.Until.Sub(s.PutOff.Since) >= longPause
		s.PutOff.Told = s.PutOff.Told || tell
		since = s.PutOff.Since
	})
	if tell {
		h.tell("put-off", a.code, since)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// halt stops for good after 410.
func (h *Hook) halt(ctx context.Context) {
	before := false
	h.close(func(s *State) {
		if before = s.Halt != nil; !before {
			s.Halt = &Halt{Why: HaltGone, At: time.Now().UTC()}
		}
	})
	if before {
		return
	}
	h.Log.Error("the receiver is gone (410): nothing more is sent, its events are kept; \"amtsbote webhook resume\" goes on")
	h.tell(HaltGone, "http-410", time.Time{})
	if err := h.Record(ctx, "webhook-gone", "amtsbote", "http-410"); err != nil {
		h.Log.Warn("that the receiver is gone is not in the trail", zap.Error(err))
	}
	if err := h.save(ctx); err != nil {
		h.Log.Warn("that the receiver is gone is not stored; trying again", zap.Error(err))
	}
}

func (h *Hook) recovered() {
	h.mu.Lock()
	was, off := h.state.Trouble, h.state.PutOff
	h.state.Trouble, h.state.PutOff = nil, nil
	h.dirty = h.dirty || was != nil || off != nil
	h.mu.Unlock()
	code, since := "", time.Time{}
	switch {
	case was != nil && was.Paused:
		code, since = was.Code, was.Since
	case off != nil && off.Told:
		code, since = "put-off", off.Since
	}
	if off != nil {
		defer h.rouse()
	}
	if code == "" {
		return
	}
	h.Log.Info("the receiver takes events again", zap.String("after", code))
	h.tell("recovered", code, since)
	h.rouse()
}

// failed counts, and pauses when nothing has got through for too long.
func (h *Hook) failed(code string) {
	now, paused := time.Now(), false
	h.mu.Lock()
	if h.state.Trouble == nil {
		h.state.Trouble = &Trouble{Since: now.UTC()}
	}
	t := h.state.Trouble
	t.Failures++
	t.Code = code
	if !t.Paused && t.Failures >= pauseAfter && now.Sub(t.Since) >= pauseTime {
		t.Paused, paused, h.probing = true, true, false
		t.Probe = now.Add(probeAfter(0))
		h.Turns.Set(0)
		h.dirty = true
	}
	since := t.Since
	h.mu.Unlock()
	if paused {
		h.Log.Error("nothing gets through to the receiver: deliveries pause, and single ones go out as probes", zap.String("fault", code))
		h.tell("failing", code, since)
		h.rouse()
	}
}
