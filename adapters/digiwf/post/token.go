package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// Login says where a token is got by client credentials; without URL there is none.
type Login struct {
	URL        string `yaml:"token-url"`
	ClientID   string `yaml:"client-id"`
	SecretFile string `yaml:"client-secret-file"`
	Scope      string `yaml:"scope"`
}

// Token is got when it is needed, and kept while it is good.
type Token struct {
	Login

	gate gate

	mu      sync.Mutex
	token   string
	expires time.Time
}

// usual is how long a token is kept of which the issuer does not say how long it is
// good; a refusal ends it earlier.
const usual = 5 * time.Minute

// get gives a token that is good for a while yet.
func (t *Token) get(ctx context.Context, client *http.Client) (string, error) {
	if t.URL == "" {
		return "", nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && time.Now().Before(t.expires) {
		return t.token, nil
	}
	if err := t.gate.closed("no-token"); err != nil {
		return "", err
	}
	token, lasts, err := t.ask(ctx, client)
	if err != nil {
		return "", fmt.Errorf("get a token: %w", err)
	}
	t.token, t.expires = token, time.Now().Add(lasts-min(lasts/5, time.Minute))
	return token, nil
}

// forget drops a token that was refused, if nobody has a newer one.
func (t *Token) forget(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

// maxAnswer bounds what a token endpoint may answer.
const maxAnswer = 256 << 10

func (t *Token) ask(ctx context.Context, client *http.Client) (string, time.Duration, error) {
	secret, err := wire.Secret(t.SecretFile)
	if err != nil {
		return "", 0, err
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.Scope != "" {
		form.Set("scope", t.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, errors.New("token-url is no URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(t.ClientID), url.QueryEscape(secret)) // RFC 6749, 2.3.1
	res, err := client.Do(req)
	if err != nil {
		return "", 0, bare(err)
	}
	defer func() { _ = res.Body.Close() }()
	if f := t.gate.judge("no-token", res); f != nil {
		return "", 0, f
	}
	if res.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("the issuer answers with status %d", res.StatusCode)
	}
	var answer struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"`
	}
	if err := json.UnmarshalRead(io.LimitReader(res.Body, maxAnswer), &answer); err != nil || answer.Token == "" {
		return "", 0, errors.New("the issuer's answer has no token")
	}
	if answer.Expires <= 0 {
		return answer.Token, usual, nil
	}
	lasts := time.Duration(min(answer.Expires, 86400) * float64(time.Second))
	return answer.Token, lasts, nil
}
