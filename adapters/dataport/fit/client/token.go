package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

// bearer gives a token that is good for a while yet. No scope is asked for: their
// names may change, says FITKO.
func (c *Client) bearer(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && time.Now().Before(c.expires) {
		return c.token, nil
	}
	token, lasts, err := c.login(ctx)
	if err != nil {
		return "", err
	}
	c.token, c.expires = token, time.Now().Add(lasts-min(lasts/5, time.Minute))
	return token, nil
}

// forget drops a token that was refused, if nobody has a newer one.
func (c *Client) forget(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = ""
	}
}

// login asks for a token: client credentials (RFC 6749, 4.4) in the form body.
func (c *Client) login(ctx context.Context) (string, time.Duration, error) {
	const doing = "get token"
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	secret, err := c.cfg.Secret()
	if err != nil {
		return "", 0, &Error{Doing: doing, Class: Login, Err: err}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.cfg.ClientID}, "client_secret": {secret}}
	resp, err := c.send(ctx, call{
		method: http.MethodPost, url: c.cfg.TokenURL, accept: "application/json", contentType: "application/x-www-form-urlencoded", body: form.Encode(),
	}, "")
	if err != nil {
		return "", 0, &Error{Doing: doing, Class: Retry, Err: withoutURL(err)}
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, loginFailure(doing, resp)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Token   string  `json:"access_token"`
		Type    string  `json:"token_type"`
		Expires float64 `json:"expires_in"`
	}
	if err := json.UnmarshalRead(io.LimitReader(resp.Body, maxProblem), &answer); err != nil || answer.Token == "" {
		return "", 0, &Error{Doing: doing, Class: Retry, Status: resp.StatusCode, Err: errors.New("the answer has no token")}
	}
	lasts := time.Duration(min(answer.Expires, 86400) * float64(time.Second))
	return answer.Token, max(lasts, 0), nil
}

// loginFailure names the code of OAuth2, which says what is wrong with the client.
func loginFailure(doing string, resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Code string `json:"error"`
	}
	_ = json.UnmarshalRead(io.LimitReader(resp.Body, maxProblem), &answer) // a body that is none says nothing
	e := &Error{Doing: doing, Status: resp.StatusCode, Class: classOf(resp.StatusCode), After: waitAsked(resp)}
	if e.Class != Retry {
		e.Class = Login
	}
	switch answer.Code {
	case "invalid_client":
		e.Err = errors.New("client-id or secret are wrong (invalid_client)")
	case "invalid_scope":
		e.Err = errors.New("the client has no destination (invalid_scope): link both in the Self-Service-Portal")
	default:
		e.Err = fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	return e
}
