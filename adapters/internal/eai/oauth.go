package eai

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// OAuth asks for tokens with client credentials (RFC 6749, section 4.4).
type OAuth struct {
	URL       string `yaml:"url"` // of the token endpoint
	Client    string `yaml:"client"`
	Geheimnis string `yaml:"geheimnis"` // file with the client's secret
	Scope     string `yaml:"scope"`
}

func (o *OAuth) check(env hub.Env, s hub.Settings, at string, basic bool) error {
	if o == nil {
		return nil
	}
	u, err := url.Parse(o.URL)
	switch {
	case basic:
		return s.Errorf(at+".oauth", "benutzer and oauth exclude each other")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return s.Errorf(at+".oauth.url", "must be the token endpoint, https://host/path")
	case u.Scheme == "http" && env.Production && !loopback(u.Hostname()):
		return s.Errorf(at+".oauth.url", "must be https in production")
	case o.Client == "" || o.Geheimnis == "":
		return s.Errorf(at+".oauth.client", "client and geheimnis (a file) are missing")
	}
	return nil
}

func (o *OAuth) open() (*tokens, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // no OAuth, no tokens
	}
	secret, err := Secret(o.Geheimnis)
	if err != nil {
		return nil, err
	}
	return &tokens{conf: *o, secret: secret}, nil
}

// tokens keeps the one token in use.
type tokens struct {
	conf   OAuth
	secret string

	mu    sync.Mutex
	token string
	until time.Time
}

const (
	maxToken = 64 << 10
	// early is how long before its end a token is not used any more.
	early = 30 * time.Second
	// defaultLife is that of a token whose answer names none.
	defaultLife = time.Minute
)

func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = ""
}

func (t *tokens) get(ctx context.Context, client *http.Client) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && time.Now().Before(t.until) {
		return t.token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.conf.Scope != "" {
		form.Set("scope", t.conf.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.conf.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", &Error{Code: Refused, Err: errCall}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(t.conf.Client), url.QueryEscape(t.secret))
	res, err := client.Do(req)
	if err != nil {
		return "", transportError(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		// Whatever the endpoint says, it is no matter of this one call.
		return "", &Error{Code: Unauthorised, Status: res.StatusCode, Blocking: true, After: retryAfter(res.Header.Get("Retry-After"), time.Now()), Err: errToken}
	}
	return t.read(res.Body)
}

func (t *tokens) read(body io.Reader) (string, error) {
	var answer struct {
		Token string  `json:"access_token"`
		Life  float64 `json:"expires_in"`
	}
	if json.NewDecoder(io.LimitReader(body, maxToken)).Decode(&answer) != nil || answer.Token == "" || strings.ContainsAny(answer.Token, " \r\n") {
		return "", BadAnswer("the token endpoint's answer has no token")
	}
	life := defaultLife
	if answer.Life > 0 && answer.Life < 1e9 {
		life = time.Duration(answer.Life * float64(time.Second))
	}
	t.token, t.until = answer.Token, time.Now().Add(life-min(early, life/2))
	return t.token, nil
}
