package post

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
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

	gate gate

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
		if err := r.gate.closed("unavailable"); err != nil {
			return nothing(err)
		}
		token, err := r.Token.get(ctx, client)
		if f, ok := errors.AsType[*hub.Fault](err); ok {
			return nothing(f)
		}
		if err != nil {
			return hub.Retryable("no-token", "call DigiWF: %w", err)
		}
		said, err := r.post(ctx, client, token, l)
		if err != nil {
			return hub.Retryable("unreachable", "call DigiWF: %w", err)
		}
		if said.status == http.StatusUnauthorized && attempt == 1 {
			r.Token.forget(token) // it may have been revoked
			continue
		}
		return said.judge()
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

func (r *REST) post(ctx context.Context, client *http.Client, token string, l Letter) (*said, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+l.Path, bytes.NewReader(l.Body))
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // an answer's text says nothing that is needed
	return &said{res.StatusCode, mediaType(res), r.gate.judge("unavailable", res)}, nil
}

// bare leaves the address out of an error.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
