package georeport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Config says how a server is reached.
type Config struct {
	URL          string        // of the endpoint, without services.json
	Format       string        // JSON or XML
	Jurisdiction string        // jurisdiction_id, "" for none
	Key          string        // api_key, "" for none
	CA           string        // file with certificate authorities (PEM); "": the system's
	Timeout      time.Duration // of one call
	MaxBytes     int64         // of one answer
	PerMinute    int           // calls, 0 for any number
}

// Client calls one server. It follows no redirect, keeps no connection and is safe for
// concurrent use.
type Client struct {
	Config

	base  *url.URL
	http  *http.Client
	limit *rate.Limiter
}

// New reads the files that the settings name.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("the endpoint's address is no URL")
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, errors.New("the file of certificate authorities cannot be read")
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("no certificate (PEM) in the file of certificate authorities")
		}
	}
	out := &Client{Config: c, base: base, http: &http.Client{
		Timeout: c.Timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if c.PerMinute > 0 {
		out.limit = rate.NewLimiter(rate.Limit(float64(c.PerMinute)/60), max(c.PerMinute/4, 1))
	}
	return out, nil
}

// Answer is a list, and the server's clock when it was asked (header Date; zero when
// it has none). Total is how many entries the server has to the question, 0 where it
// does not say.
type Answer struct {
	Entries []Entry
	Total   int
	Date    time.Time
}

// Get asks for a resource: its path below the endpoint without the format.
func (c *Client) Get(ctx context.Context, query url.Values, path ...string) (*Answer, error) {
	q := url.Values{}
	for name, values := range query {
		q[name] = values
	}
	c.place(q)
	return c.call(ctx, http.MethodGet, q, nil, path)
}

// Send sends a form by POST, PUT or PATCH. An Error says whether the server may have
// taken it. Only here the key is sent: GeoReport asks for it nowhere else, and addresses
// end in the logs of proxies.
func (c *Client) Send(ctx context.Context, method string, form url.Values, path ...string) (*Answer, error) {
	c.place(form)
	if c.Key != "" {
		form.Set("api_key", c.Key)
	}
	return c.call(ctx, method, nil, form, path)
}

func (c *Client) place(v url.Values) {
	if c.Jurisdiction != "" {
		v.Set("jurisdiction_id", c.Jurisdiction)
	}
}

func (c *Client) call(ctx context.Context, method string, query, form url.Values, path []string) (*Answer, error) {
	if c.limit != nil {
		if err := c.limit.Wait(ctx); err != nil {
			return nil, &Error{Code: Unreachable, Err: errors.New("stopped while waiting for the next call that is allowed")}
		}
	}
	reached := false
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached = true }}
	req, err := c.request(httptrace.WithClientTrace(ctx, trace), method, query, form, path)
	if err != nil {
		return nil, &Error{Code: Refused, Err: errors.New("the call cannot be written")}
	}
	res, err := c.http.Do(req)
	if err != nil {
		e := unreachable(ctx, err)
		e.Unknown = reached
		return nil, e
	}
	defer func() { _ = res.Body.Close() }()
	return c.answer(ctx, res, method != http.MethodGet)
}

func (c *Client) request(ctx context.Context, method string, query, form url.Values, path []string) (*http.Request, error) {
	segments := make([]string, 0, len(path))
	for _, p := range path {
		segments = append(segments, url.PathEscape(p))
	}
	segments[len(segments)-1] += "." + c.Format
	u := c.base.JoinPath(segments...)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	req.Header.Set("Accept", map[string]string{JSON: "application/json", XML: "text/xml, application/xml"}[c.Format])
	req.Header.Set("User-Agent", "Amtsbote")
	return req, nil
}

func (c *Client) answer(ctx context.Context, res *http.Response, post bool) (*Answer, error) {
	switch res.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted:
	default:
		body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		return nil, refused(res, post, saysErrors(body))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, c.MaxBytes+1))
	if err != nil {
		e := unreachable(ctx, err)
		e.Unknown = true
		return nil, e
	}
	if int64(len(body)) > c.MaxBytes {
		return nil, &Error{Code: TooLarge, Status: res.StatusCode, Unknown: true}
	}
	body = bytes.TrimSpace(body)
	entries, err := List(c.Format, body)
	if err != nil {
		return nil, &Error{Code: Unreadable, Status: res.StatusCode, Unknown: true, Err: err}
	}
	date, _ := http.ParseTime(res.Header.Get("Date"))
	return &Answer{Entries: entries, Total: total(c.Format, body), Date: date}, nil
}
