package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/egress"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// maxBody and drainTime bound what is read of an answer's body, which says
// nothing.
const (
	maxBody   = 64 << 10
	drainTime = 5 * time.Second
)

// answer is what came of one request.
type answer struct {
	verdict verdict
	after   time.Duration
	code    string
}

// Deliver implements hub.Sink: one request, or a part of one in batches.
func (h *Hook) Deliver(ctx context.Context, d hub.Delivery) error {
	if h.Webhook.Format == federation.FormatBatch {
		return h.deliverInBatch(ctx, &d)
	}
	m, err := single(&d, h.Webhook.Format)
	if err != nil {
		return err
	}
	return h.send(ctx, m)
}

// errShut is nobody's fault: the copy waits at the turnstile again.
var errShut = &hub.Fault{Code: "not-now", Later: true, After: 50 * time.Millisecond}

// send makes one request, notes what it says of the receiver as a whole, and
// gives what it means for what was sent.
func (h *Hook) send(ctx context.Context, m message) error {
	if err := h.pace.wait(ctx); err != nil {
		return err
	}
	if h.shut() {
		return errShut
	}
	a := h.request(ctx, m)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h.note(ctx, a)
	switch a.verdict {
	case delivered:
		return nil
	case refused:
		return hub.Permanent(a.code, "the receiver does not take the event")
	case gone, wait:
		return errShut
	}
	return hub.Retryable(a.code, "the receiver did not take the event")
}

// request makes one request; with another token when the first is not taken.
func (h *Hook) request(ctx context.Context, m message) answer {
	token := ""
	for again := false; ; again = true {
		if h.tokens != nil {
			var err error
			if token, err = h.tokens.get(ctx, token); err != nil {
				h.Log.Warn("no token for the receiver", zap.Error(err))
				return answer{verdict: failed, code: "token"}
			}
		}
		a, status := h.once(ctx, m, token)
		if status != http.StatusUnauthorized || h.tokens == nil || again {
			return a
		}
	}
}

func (h *Hook) once(ctx context.Context, m message, token string) (a answer, status int) {
	ctx, cancel := context.WithTimeout(ctx, h.Webhook.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Webhook.URL, bytes.NewReader(m.body))
	if err != nil {
		return answer{verdict: failed, code: "url"}, 0
	}
	req.Header = m.header.Clone()
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set(headerOrigin, h.Webhook.Origin)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	sign(req.Header, h.Keys.sign, m.id, time.Now(), m.body)
	resp, err := h.client.Do(req)
	if err != nil {
		h.Log.Debug("request failed", zap.Error(bare(err)))
		return answer{verdict: failed, code: codeOf(err)}, 0
	}
	drain(resp)
	a.verdict, a.after = judge(resp.StatusCode, resp.Header, time.Now())
	a.code = "http-" + strconv.Itoa(resp.StatusCode)
	return a, resp.StatusCode
}

// drain reads the body so that the connection can be used again; status and
// headers have said all, so what becomes of it does not matter.
func drain(resp *http.Response) {
	t := time.AfterFunc(drainTime, func() { _ = resp.Body.Close() })
	defer t.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	_ = resp.Body.Close()
}

// bare takes the URL from an error: its query may hold a secret.
func bare(err error) error {
	if of, ok := errors.AsType[*url.Error](err); ok {
		return of.Err
	}
	return err
}

// codeOf names why a request got no answer.
func codeOf(err error) string {
	if egress.Reason(err) != nil {
		return "egress"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "timeout"
	}
	if isTLS(err) {
		return "tls"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "connect"
	}
	return "broken-off"
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}
