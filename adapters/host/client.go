package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Client speaks to a hub as one application.
type Client struct {
	// URL of the hub, without a path.
	URL string
	// Token gives what Authorization says; nil: a certificate says it.
	Token func() (string, error)
	HTTP  *http.Client
}

// answerTime is how long an answer may take that waits for nothing.
const answerTime = 30 * time.Second

func (f *File) client() (*Client, error) {
	t, err := f.tls()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // the type of the standard library's own
	transport.TLSClientConfig, transport.MaxIdleConnsPerHost = t, f.AtOnce
	c := &Client{URL: strings.TrimRight(f.Hub.URL, "/"), HTTP: &http.Client{Transport: transport, CheckRedirect: noRedirect}}
	if f.Hub.TokenFile != "" {
		c.Token = func() (string, error) {
			raw, err := os.ReadFile(f.path(f.Hub.TokenFile)) //nolint:gosec // named by the operator
			if err != nil {
				return "", fmt.Errorf("hub.token-file: %w", err)
			}
			return strings.TrimSpace(string(raw)), nil
		}
	}
	return c, nil
}

// noRedirect: a hub sends nobody elsewhere, and a token is for it alone.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// request makes a request; body may be nil.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask the hub: %w", err)
	}
	if c.Token != nil {
		token, err := c.Token()
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// do sends a request; its error is retryable. The caller closes the answer's body.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, hub.Retryable("hub-away", "ask the hub: %w", err)
	}
	return resp, nil
}

// ask sends JSON and reads JSON.
func (c *Client) ask(ctx context.Context, path string, body, answer any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("ask the hub: %w", err)
	}
	req, err := c.request(ctx, http.MethodPost, path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fault(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(answer); err != nil {
		return hub.Retryable("hub-answer", "read the hub's answer: %w", err)
	}
	return nil
}

// maxAnswer is what an answer may have: a hundred events of 1 MiB and what is around them.
const maxAnswer = 256 << 20

// fault tells what an answer that is none of the expected means. Its code is that of the
// hub's problem (RFC 9457); the sentences in it may quote values and stay away.
func fault(resp *http.Response) error {
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&problem)
	f := &hub.Fault{
		Code: token(problem.Code, "hub-"+strconv.Itoa(resp.StatusCode)), // RFC 9457: the hub's problems have one
		Err:  errors.New("the hub answered with status " + strconv.Itoa(resp.StatusCode)),
	}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		f.After = time.Duration(s) * time.Second
	}
	if problem.Code == "" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
		return f // of something between here and the hub: it says nothing about the event
	}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		f.Permanent = true
	}
	return f
}

// token is a code as a Fault has it: small letters, digits and hyphens.
func token(code, otherwise string) string {
	out := strings.ToLower(strings.ReplaceAll(code, "_", "-"))
	for _, c := range out {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return otherwise
		}
	}
	if out == "" || len(out) > 64 {
		return otherwise
	}
	return out
}
