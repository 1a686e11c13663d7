package eai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxAnswer is how many bytes an answer may have.
const MaxAnswer = 16 << 20

// Client calls one gateway. It is safe for concurrent use.
type Client struct {
	base           *url.URL
	user, password string
	http           *http.Client
	oauth          *tokens
}

// Open reads the files that the settings name.
func (c Config) Open() (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("gateway: its address is no URL")
	}
	client := &Client{base: base, user: c.Benutzer}
	if c.Passwort != "" {
		if client.password, err = Secret(c.Passwort); err != nil {
			return nil, fmt.Errorf("gateway: %w", err)
		}
	}
	conf, err := TLS(c.CA, c.Zertifikat, c.Schluessel)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	if client.oauth, err = c.OAuth.open(); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	client.http = &http.Client{
		Timeout:       c.Frist,
		Transport:     &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8, DisableKeepAlives: c.OneByOne},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request is one call. Path segments are escaped and put below the gateway's
// address.
type Request struct {
	Method string
	Path   []string
	Slash  bool // the path ends with one
	Query  url.Values
	Header http.Header // content type, SOAPAction ...
	Body   []byte
	// Stream is sent instead of Body, and read once; nobody holds it whole.
	Stream io.Reader
	// AnyStatus gives the body of other statuses too, with their error: SOAP
	// sends faults with 500.
	AnyStatus bool
}

// Do calls and gives the whole answer. An error is an *Error.
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, &Error{Code: Refused, Err: errCall}
	}
	if err := c.authorise(ctx, req); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	failed := c.judge(res)
	if failed != nil && !r.AnyStatus {
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
		return nil, failed
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return nil, transportError(ctx, err)
	case len(body) > MaxAnswer:
		return nil, &Error{Code: TooLarge, Status: res.StatusCode}
	}
	return body, failed
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	u := *c.base
	path := make([]string, 0, len(r.Path))
	for _, segment := range r.Path {
		path = append(path, url.PathEscape(segment))
	}
	if len(path) > 0 {
		u = *u.JoinPath(path...)
	}
	if r.Slash {
		u = *u.JoinPath("/")
	}
	u.RawQuery = r.Query.Encode()
	body := r.Stream
	if body == nil {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	return req, nil
}

// authorise puts the credentials into a call.
func (c *Client) authorise(ctx context.Context, req *http.Request) error {
	if c.oauth != nil {
		token, err := c.oauth.get(ctx, c.http)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if c.user != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	return nil
}

// judge gives the error that an answer is, nil for none. A token that is refused is
// not used again.
func (c *Client) judge(res *http.Response) error {
	if res.StatusCode == http.StatusUnauthorized && c.oauth != nil {
		c.oauth.forget()
	}
	err := statusError(res.StatusCode)
	if e, ok := errors.AsType[*Error](err); ok {
		e.After = retryAfter(res.Header.Get("Retry-After"), time.Now())
	}
	return err
}

// Base is the gateway's address without a slash at its end; it holds no secret.
func (c *Client) Base() string { return strings.TrimRight(c.base.String(), "/") }
