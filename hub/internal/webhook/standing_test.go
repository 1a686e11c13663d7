package webhook

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPutOffForLong: a receiver that says 429 for ever is seen, and its contact hears
// of it once, also over a restart; and when it is over.
func TestPutOffForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		to, store := &receiver{post: func(int, *http.Request) (*http.Response, error) {
			if up.Load() {
				return reply(204), nil
			}
			return reply(429), nil
		}}, &memory{}
		h := run(t, to, store, nil)
		began, heard := time.Now(), ""
		for time.Since(began) < 3*time.Hour {
			if h.Turns.Free() != 0 {
				_ = h.Deliver(t.Context(), delivery(1))
			}
			told, _ := h.heard()
			if heard == "" && told != "" && time.Since(began) < longPause-2*throttled {
				t.Errorf("told %s after %s", told, time.Since(began))
			}
			heard = told
			if h.State().PutOff == nil {
				t.Fatal("it is not seen")
			}
			time.Sleep(10 * time.Second)
		}
		if heard != "put-off" {
			t.Errorf("told %q", heard)
		}
		h.close()
		h = run(t, to, store, nil)
		defer h.close()
		for len(to.sent()) < 200 {
			_ = h.Deliver(t.Context(), delivery(1))
			time.Sleep(10 * time.Second)
		}
		up.Store(true)
		time.Sleep(throttled)
		if err := h.Deliver(t.Context(), delivery(1)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if told, _ := h.heard(); told != "recovered" || h.State().PutOff != nil {
			t.Errorf("told %q, %+v", told, h.State().PutOff)
		}
		if s, err := ReadState(t.Context(), store, "beta.one"); err != nil || s.PutOff != nil {
			t.Errorf("stored %+v, %v", s, err)
		}
	})
}

// TestPersonIsNotIgnored: what a person asks of a hook that does not run is refused.
func TestPersonIsNotIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		h := run(t, &receiver{}, store, nil)
		h.close()
		early := &Hook{Webhook: h.Webhook, Keys: h.Keys, Store: store, Turns: h.Turns, Record: h.Record}
		early.Open()
		for name, one := range map[string]*Hook{"has ended": h.Hook, "has not begun": early} {
			for _, do := range []func(context.Context, string, string) error{one.Pause, one.Resume} {
				if err := do(t.Context(), "mustermann", "Wartung"); !errors.Is(err, ErrNotRunning) || one.State().Halt != nil {
					t.Errorf("a hook that %s: %v", name, err)
				}
			}
		}
		if _, acts := h.heard(); acts != "" {
			t.Errorf("recorded %s", acts)
		}
	})
}

// TestRateIsLowered: at once, though the receiver has allowed more before.
func TestRateIsLowered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, store := &receiver{}, &memory{}
		run(t, to, store, nil).close()
		h := run(t, to, store, func(h *Hook) { h.Webhook.Rate = 1 })
		defer h.close()
		for n := range 2 {
			if err := h.Deliver(t.Context(), delivery(n)); err != nil {
				t.Error(err)
			}
		}
		if p := to.sent(); to.times() != 1 || p[1].at.Sub(p[0].at) < time.Minute {
			t.Errorf("the second request came after %s", p[1].at.Sub(p[0].at))
		}
	})
}

// TestCallbackMeanwhile: who consents by callback while it is asked has not refused.
func TestCallbackMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *Hook
		to := &receiver{options: func(r *http.Request) (*http.Response, error) {
			_, key, _ := strings.Cut(r.Header.Get(headerCallback), "?key=")
			if ok, err := h.Consent(r.Context(), key, nil); !ok || err != nil {
				t.Errorf("no consent: %v", err)
			}
			time.Sleep(time.Second)
			return reply(200), nil
		}}
		running := run(t, to, &memory{}, func(one *Hook) {
			h = one
			h.Callback = func(key string) string { return "https://hub.example/consent?key=" + key }
		})
		defer running.close()
		time.Sleep(time.Minute)
		if told, _ := running.heard(); told != "" || h.State().Refusals != 0 || to.times() != 1 {
			t.Errorf("told %q, %d refusals, asked %d times", told, h.State().Refusals, to.times())
		}
	})
}
