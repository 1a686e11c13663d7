package webhook

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// Consent is had before the first delivery and again every week; half a day
// before that the hub begins to ask.
const (
	consentLasts = 7 * 24 * time.Hour
	renewBefore  = 12 * time.Hour
)

// The headers of the handshake (webhook specification, sections 4.1 and 4.2).
const (
	headerOrigin        = "WebHook-Request-Origin"
	headerRate          = "WebHook-Request-Rate"
	headerCallback      = "WebHook-Request-Callback"
	headerAllowedOrigin = "WebHook-Allowed-Origin"
	headerAllowedRate   = "WebHook-Allowed-Rate"
)

// consented reads the answer to a handshake: whether it allows origin, and how
// many requests a minute; 0 is no limit. The status alone is no consent, and a
// rate that cannot be read is none.
func consented(header http.Header, origin string, asked int) (rate int, ok bool) {
	allowed := header.Values(headerAllowedOrigin)
	if len(allowed) != 1 || allowed[0] != "*" && !strings.EqualFold(strings.TrimSpace(allowed[0]), origin) {
		return 0, false
	}
	return allowedRate(header.Values(headerAllowedRate), asked)
}

// allowedRate reads WebHook-Allowed-Rate; without it the rate asked for is meant.
// More than was asked for is not used.
func allowedRate(values []string, asked int) (rate int, ok bool) {
	switch {
	case len(values) == 0:
		return asked, true
	case len(values) > 1:
		return 0, false
	case strings.TrimSpace(values[0]) == "*":
		return asked, true
	}
	n, err := strconv.ParseUint(strings.TrimSpace(values[0]), 10, 31)
	if err != nil || n == 0 {
		return 0, false
	}
	return min(int(n), asked), true
}

// Valid tells whether the consent still holds.
func (c *Consent) Valid(now time.Time) bool { return c != nil && now.Before(c.At.Add(consentLasts)) }

// askAt is when the receiver is to be asked next.
func (s *State) askAt() time.Time {
	next := s.Asked
	if s.Refusals > 0 {
		next = s.Asked.Add(askAgain(s.Refusals))
	}
	if c := s.Consent; c != nil {
		if renew := c.At.Add(consentLasts - renewBefore); renew.After(next) {
			next = renew
		}
	}
	return next
}

// askAgain doubles from a minute to an hour.
func askAgain(refusals int) time.Duration {
	return min(time.Minute<<min(refusals-1, 10), time.Hour)
}

// ask makes the handshake and notes what came of it.
func (h *Hook) ask(ctx context.Context) {
	key := h.awaitCallback()
	began := time.Now()
	rate, ok, code := h.handshake(ctx, key)
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	h.mu.Lock()
	s := h.state
	s.Asked, h.dirty = now, true
	first := s.Refusals == 0
	called := s.Consent.Valid(now) && !s.Consent.At.Before(began) // by callback meanwhile
	switch {
	case ok:
		h.consent(rate, "options", now)
	case !called:
		s.Refusals++
	}
	h.mu.Unlock()
	if ok {
		h.Log.Info("the receiver consents to deliveries", zap.Int("rate", rate))
		return
	}
	if called {
		return
	}
	h.Log.Warn("the receiver has not consented to deliveries; nothing is sent without it", zap.String("code", code))
	if first {
		h.tell("no-consent", code, time.Time{})
	}
}

// consent is called with mu held.
func (h *Hook) consent(rate int, how string, now time.Time) {
	h.state.Consent = &Consent{At: now, Rate: rate, How: how}
	h.state.Refusals, h.state.Key, h.dirty = 0, "", true
	h.pace.rate(rate)
}

// awaitCallback makes the key under which the receiver can consent by itself; ""
// when the hub has no URL for that.
func (h *Hook) awaitCallback() string {
	if h.Callback == nil {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Key == "" {
		h.state.Key, h.dirty = rand.Text(), true
	}
	return h.state.Key
}

// handshake is one OPTIONS request. It shows no token: who does not expect it must
// not learn one.
func (h *Hook) handshake(ctx context.Context, key string) (rate int, ok bool, code string) {
	ctx, cancel := context.WithTimeout(ctx, h.Webhook.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, h.Webhook.URL, nil)
	if err != nil {
		return 0, false, "url"
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set(headerOrigin, h.Webhook.Origin)
	req.Header.Set(headerRate, strconv.Itoa(h.Webhook.Rate))
	if key != "" {
		req.Header.Set(headerCallback, h.Callback(key))
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, false, codeOf(err)
	}
	drain(resp)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return 0, false, "http-" + strconv.Itoa(resp.StatusCode)
	}
	rate, ok = consented(resp.Header, h.Webhook.Origin, h.Webhook.Rate)
	return rate, ok, "not-allowed"
}

// Consent takes a consent by callback (section 4.1.3): key is what the hub gave
// out, rates the values of WebHook-Allowed-Rate. It returns once that is stored;
// false when the key is not the one.
func (h *Hook) Consent(ctx context.Context, key string, rates []string) (bool, error) {
	rate, ok := allowedRate(rates, h.Webhook.Rate)
	h.mu.Lock()
	if !ok || !h.running() || h.state.Key == "" || subtle.ConstantTimeCompare([]byte(h.state.Key), []byte(key)) != 1 {
		h.mu.Unlock()
		return false, nil
	}
	h.consent(rate, "callback", time.Now())
	h.mu.Unlock()
	h.Log.Info("the receiver consents to deliveries by callback", zap.Int("rate", rate))
	defer h.rouse()
	return true, h.save(ctx)
}

// probeAfter is how long after the n-th failure the next probe goes out.
func probeAfter(n int) time.Duration {
	d := min(time.Minute<<min(max(n, 0), 10), time.Hour)
	return d - time.Duration(settle.Jitter()*float64(d)/2)
}
