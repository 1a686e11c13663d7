package oidc

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
)

// Client logs people in by the authorization code flow (OpenID Connect Core 1.0, 3.1)
// with PKCE (RFC 7636).
type Client struct {
	ID, Secret string // Secret "" for a public client
	Scopes     []string
	Keys       *Keys
	Now        func() time.Time

	mu    sync.Mutex
	known *endpoints
	asked time.Time
}

// endpoints are what the issuer's configuration says (OpenID Connect Discovery 1.0).
type endpoints struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
}

func (c *Client) endpoints(ctx context.Context) (*endpoints, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known != nil && c.Now().Sub(c.asked) < fresh {
		return c.known, nil
	}
	raw, err := c.Keys.fetch(ctx, strings.TrimSuffix(c.Keys.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	var said endpoints
	if err := json.Unmarshal(raw, &said); err != nil || said.Issuer != c.Keys.issuer || !remote(said.Authorization) || !remote(said.Token) {
		return nil, errors.New("the issuer's configuration names another issuer, or no endpoints for a login")
	}
	for _, u := range []string{said.Authorization, said.Token} {
		if err := secure(u); err != nil {
			return nil, err
		}
	}
	c.known, c.asked = &said, c.Now()
	return c.known, nil
}

// Start gives the address at the issuer to which a browser is led. challenge is S256 of
// the verifier that Redeem is given.
func (c *Client) Start(ctx context.Context, callback, state, nonce, challenge string) (string, error) {
	e, err := c.endpoints(ctx)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(e.Authorization)
	if err != nil {
		return "", fmt.Errorf("address of the issuer: %w", err)
	}
	v := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": c.ID, "redirect_uri": callback, "scope": strings.Join(append([]string{"openid"}, c.Scopes...), " "),
		"state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
	} {
		v.Set(name, value)
	}
	u.RawQuery = v.Encode()
	return u.String(), nil
}

// Redeem gives the claims of the ID token that the issuer gives for a code, verified:
// signed by it, for this client, valid now, with the nonce.
func (c *Client) Redeem(ctx context.Context, code, callback, verifier, nonce string) (map[string]any, error) {
	e, err := c.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
	if c.Secret == "" {
		form.Set("client_id", c.ID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if c.Secret != "" { // RFC 6749, 2.3.1
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
	raw, err := c.ask(req)
	if err != nil {
		return nil, fmt.Errorf("redeem the code of a login: %w", err)
	}
	var answer struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.IDToken == "" {
		return nil, errors.New("redeem the code of a login: the answer holds no ID token")
	}
	claims, err := (&Verifier{Issuer: e.Issuer, Audience: c.ID, Keys: c.Keys, Now: c.Now}).Verify(ctx, answer.IDToken)
	if err != nil {
		return nil, err
	}
	if got, _ := claims["nonce"].(string); got != nonce || nonce == "" {
		return nil, errors.New("the token is of another login")
	}
	if azp, given := claims["azp"].(string); given && azp != c.ID {
		return nil, errors.New("the token was issued to another client")
	}
	return claims, nil
}

func (c *Client) ask(req *http.Request) ([]byte, error) {
	resp, err := c.Keys.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer was %s", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxBytes))
}
