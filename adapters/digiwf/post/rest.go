package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// REST is the Way by DigiWF's endpoints, with a token of OAuth2 client credentials
// (RFC 6749, 4.4). What was sent cannot be looked up: a letter that a crash or a
// lost answer interrupts is sent again.
type REST struct {
	URL     string
	Token   Token
	TLS     wire.TLS
	Timeout time.Duration

	mu     sync.Mutex
	client *http.Client
}

var _ Way = (*REST)(nil)

// Sent implements Way.
func (*REST) Sent(context.Context, string, Letter, time.Time) (bool, error) { return false, nil }

// Send implements Way.
func (r *REST) Send(ctx context.Context, _ string, l Letter) error {
	client, err := r.open()
	if err != nil {
		return hub.Retryable("settings", "call DigiWF: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		token, err := r.Token.get(ctx, client)
		if err != nil {
			return hub.Retryable("no-token", "call DigiWF: %w", err)
		}
		status, after, err := r.post(ctx, client, token, l)
		if err != nil {
			return hub.Retryable("unreachable", "call DigiWF: %w", err)
		}
		if status == http.StatusUnauthorized && attempt == 1 {
			r.Token.forget(token) // it may have been revoked
			continue
		}
		return judge(status, after)
	}
}

func (r *REST) open() (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	conf, err := r.TLS.Config()
	if err != nil {
		return nil, err
	}
	r.client = &http.Client{
		// A connection a call: nobody tells a sink that it is not needed any more.
		Transport:     &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return r.client, nil
}

func (r *REST) post(ctx context.Context, client *http.Client, token string, l Letter) (status int, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+l.Path, bytes.NewReader(l.Body))
	if err != nil {
		return 0, 0, errors.New("the address is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, 0, bare(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // an answer's text says nothing that is needed
	return res.StatusCode, retryAfter(res), nil
}

// bare leaves the address out of an error.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func retryAfter(res *http.Response) time.Duration {
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// judge says what a status means: what is the message's fault no repetition mends.
func judge(status int, after time.Duration) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusBadRequest, status == http.StatusNotFound, status == http.StatusConflict,
		status == http.StatusRequestEntityTooLarge, status == http.StatusUnprocessableEntity:
		return hub.Permanent("refused", "call DigiWF: it refuses the message with status %d", status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return hub.Retryable("not-allowed", "call DigiWF: it refuses the token with status %d", status)
	}
	return &hub.Fault{Code: "unavailable", After: after, Err: fmt.Errorf("call DigiWF: status %d", status)}
}
