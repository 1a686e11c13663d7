package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// tokens gets access tokens by client credentials (RFC 6749, 4.4) and keeps each
// until shortly before it ends.
type tokens struct {
	of     *federation.OAuth2
	secret string
	client *http.Client

	mu    sync.Mutex
	token string
	until time.Time
}

// early is how long before its end a token is not used any more.
const early = 30 * time.Second

// maxToken is the longest token, in bytes: it travels in a header.
const maxToken = 16 << 10

// get gives a token, a new one if the last has ended or was stale.
func (t *tokens) get(ctx context.Context, stale string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && t.token != stale && time.Now().Before(t.until) {
		return t.token, nil
	}
	token, lasts, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	t.token, t.until = token, time.Now().Add(lasts)
	return token, nil
}

func (t *tokens) fetch(ctx context.Context) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.of.Scope != "" {
		form.Set("scope", t.of.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.of.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, errors.New("the token URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(t.of.ClientID), url.QueryEscape(t.secret)) // RFC 6749, 2.3.1
	resp, err := t.client.Do(req)
	if err != nil {
		return "", 0, bare(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return "", 0, bare(err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("the token endpoint answered %d", resp.StatusCode)
	}
	return readToken(body)
}

// readToken reads the answer of a token endpoint (RFC 6749, 5.1): a bearer token
// and how long it may be used.
func readToken(body []byte) (token string, lasts time.Duration, err error) {
	var in struct {
		Token string  `json:"access_token"`
		Type  string  `json:"token_type"`
		Lasts float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return "", 0, errors.New("the token endpoint did not answer with JSON")
	}
	if !strings.EqualFold(in.Type, "Bearer") || in.Token == "" || len(in.Token) > maxToken || strings.ContainsFunc(in.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", 0, errors.New("the token endpoint gave no bearer token")
	}
	lasts = time.Hour
	if in.Lasts > 0 {
		lasts = time.Duration(min(in.Lasts, 86400) * float64(time.Second))
	}
	return in.Token, max(lasts-early, time.Second), nil
}
