package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// Config of a client.
type Config struct {
	TokenURL string
	// BaseURL of the Submission API, without version: …/submission-api.
	BaseURL string
	// Version in paths; "v2".
	Version string
	// Routing is the base URL of the routing service; a sender's only.
	Routing string
	// Destination is the id of the Zustellpunkt; a subscriber's only.
	Destination string
	ClientID    string
	// Secret gives the client's secret; it is asked for each token.
	Secret func() (string, error)
	// Issuers are the names (iss) under which the service signs; none: BaseURL.
	Issuers []string
	// Missing are the names of the problems that say that there is no such submission
	// or case; none: MissingNames.
	Missing []string
	// MinBits of the keys that are believed.
	MinBits int
	// Timeout of a call; an attachment may take ten times as long.
	Timeout   time.Duration
	UserAgent string
	// MaxData bounds metadata and data of one submission together, encrypted.
	MaxData int64
	// Dir is where attachments are put.
	Dir string
	// TLS of the connections; nil: the system's authorities.
	TLS *tls.Config
}

// Client of one destination, or of a sender. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client

	mu      sync.Mutex
	token   string
	expires time.Time

	keys keyCache
}

// New makes a client.
func New(cfg Config) *Client {
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	if len(cfg.Issuers) == 0 {
		cfg.Issuers = []string{cfg.BaseURL}
	}
	if len(cfg.Missing) == 0 {
		cfg.Missing = MissingNames()
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: true,
		ResponseHeaderTimeout: cfg.Timeout, TLSHandshakeTimeout: 30 * time.Second, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4,
	}
	return &Client{cfg: cfg, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Listed is a submission that waits.
type Listed struct {
	Destination string `json:"destinationId"`
	Submission  string `json:"submissionId"`
	Case        string `json:"caseId"`
}

// Page of the list.
type Page struct {
	Total       int      `json:"totalCount"`
	Submissions []Listed `json:"submissions"`
}

// List gives what waits for the destination.
func (c *Client) List(ctx context.Context, offset, limit int) (*Page, error) {
	query := url.Values{
		"destinationId": {c.cfg.Destination}, "offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)},
	}
	page := &Page{}
	err := c.getJSON(ctx, "list submissions", c.path("submissions")+"?"+query.Encode(), maxList, page)
	for i := range page.Submissions {
		s := &page.Submissions[i]
		s.Submission, s.Case = strings.ToLower(s.Submission), strings.ToLower(s.Case)
	}
	return page, err
}

// Submission as it was fetched, still encrypted.
type Submission struct {
	Metadata string `json:"encryptedMetadata"`
	Data     string `json:"encryptedData"`
	Case     string `json:"caseId"`
	Region   string `json:"region"`
	Service  struct {
		Identifier string `json:"identifier"`
	} `json:"publicService"`
	OldService struct {
		Identifier string `json:"identifier"`
	} `json:"serviceType"`
	Attachments []any `json:"attachments"`
}

// AttachmentIDs gives the ids of the attachments in lower case; nil where the
// service does not name them, or in another form.
func (s *Submission) AttachmentIDs() []string {
	var ids []string
	for _, a := range s.Attachments {
		id, is := a.(string)
		if !is {
			return nil
		}
		ids = append(ids, strings.ToLower(id))
	}
	return ids
}

// ServiceID is the identifier of the public service, "" where the service does not
// say it.
func (s *Submission) ServiceID() string {
	if s.Service.Identifier != "" {
		return s.Service.Identifier
	}
	return s.OldService.Identifier
}

// Fetch gets a submission without its attachments.
func (c *Client) Fetch(ctx context.Context, submission string) (*Submission, error) {
	s := &Submission{}
	err := c.getJSON(ctx, "fetch submission", c.path("submissions", submission), c.cfg.MaxData, s)
	s.Case = strings.ToLower(s.Case)
	return s, err
}

// Events gives the event log of a case: SETs, none of them verified.
func (c *Client) Events(ctx context.Context, theCase string) ([]string, error) {
	var log struct {
		Events []string `json:"eventLog"`
	}
	err := c.getJSON(ctx, "read event log", c.path("cases", theCase, "events"), maxLog, &log)
	return log.Events, err
}

// Post adds a SET to a case's event log.
func (c *Client) Post(ctx context.Context, theCase, set string) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, err := c.do(ctx, call{
		doing: "post SET", method: http.MethodPost, url: c.path("cases", theCase, "events"), contentType: "application/jose", body: set,
	})
	if err != nil {
		return err
	}
	return discard(resp)
}

// discard reads an answer that says nothing, so that the connection can be used again.
func discard(resp *http.Response) error {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxProblem))
	return resp.Body.Close()
}

// Bounds of answers, bytes.
const (
	maxList    = 4 << 20
	maxLog     = 64 << 20
	maxKeys    = 1 << 20
	maxProblem = 64 << 10
)

func (c *Client) path(parts ...string) string {
	out := c.cfg.BaseURL + "/" + c.cfg.Version
	for _, p := range parts {
		out += "/" + url.PathEscape(p)
	}
	return out
}

// getJSON asks for what is at an address, with the token.
func (c *Client) getJSON(ctx context.Context, doing, address string, limit int64, into any) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, err := c.do(ctx, call{doing: doing, method: http.MethodGet, url: address, accept: "application/json"})
	if err != nil {
		return err
	}
	return readJSON(ctx, doing, resp, limit, into)
}

// readJSON reads an answer of at most limit bytes.
func readJSON(ctx context.Context, doing string, resp *http.Response, limit int64, into any) error {
	defer func() { _ = resp.Body.Close() }()
	bounded := &io.LimitedReader{R: resp.Body, N: limit + 1}
	err := json.UnmarshalRead(bounded, into)
	switch {
	case bounded.N <= 0:
		return &Error{Doing: doing, Class: TooLarge, Status: resp.StatusCode, Err: fit.ErrTooLarge}
	case ctx.Err() != nil:
		return &Error{Doing: doing, Class: Retry, Err: ctx.Err()}
	case err != nil:
		return &Error{Doing: doing, Class: Retry, Status: resp.StatusCode, Err: errors.New("the answer is not what was asked for")}
	}
	return nil
}

type call struct {
	doing, method, url, accept, contentType, body string
	// open gives a body that is not in memory, of size bytes: again for each try.
	open func() (io.ReadCloser, error)
	size int64
}

// request makes the request of a call.
func (k call) request(ctx context.Context) (*http.Request, error) {
	if k.open == nil {
		return http.NewRequestWithContext(ctx, k.method, k.url, strings.NewReader(k.body))
	}
	body, err := k.open()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, body)
	if err != nil {
		return nil, errors.Join(err, body.Close())
	}
	req.ContentLength, req.GetBody = k.size, k.open
	return req, nil
}

// do makes a call with the token; an answer that is no success is an *Error. A
// token that the service does not take any more is replaced once.
func (c *Client) do(ctx context.Context, k call) (*http.Response, error) {
	for first := true; ; first = false {
		token, err := c.bearer(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := c.send(ctx, k, token)
		if err != nil {
			return nil, &Error{Doing: k.doing, Class: Retry, Err: withoutURL(err)}
		}
		if resp.StatusCode/100 == 2 {
			return resp, nil
		}
		failed := c.failure(k.doing, resp)
		if failed.Class != Login || !first {
			return nil, failed
		}
		c.forget(token)
	}
}

func (c *Client) send(ctx context.Context, k call, token string) (*http.Response, error) {
	req, err := k.request(ctx)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Accept": k.accept, "Content-Type": k.contentType, "User-Agent": c.cfg.UserAgent} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return c.http.Do(req)
}

// withoutURL takes the address out of an error: it has ids of cases, and the log
// names them where it must.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("no answer: %w", u.Err)
	}
	return err
}
