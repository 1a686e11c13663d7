package phoenix

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Bounds of what a server says.
const (
	maxAnswer = 256 << 10
	maxAfter  = time.Hour // that a server can ask for
)

const tooLarge = "answer-too-large"

// httpClient makes a client that follows no redirect and keeps no connection: notices
// are few, and nobody would close it.
func httpClient(ca string, timeout time.Duration) (*http.Client, error) {
	conf, err := tlsConfig(ca)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, DisableKeepAlives: true, DisableCompression: true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func tlsConfig(ca string) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(ca) //nolint:gosec // named by the settings
	if err != nil {
		return nil, errors.New("the file of certificate authorities cannot be read: " + reason(err))
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate (PEM) in the file of certificate authorities")
	}
	return conf, nil
}

// request is one call of a server.
type request struct {
	method, url string
	header      http.Header
	body        []byte
	stream      io.Reader // instead of body
	size        int64     // of the stream
}

// answer is what came back, its body bounded.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call makes one call. The error is a retryable Fault: there was no whole answer. It
// holds no address and nothing of what was sent.
func call(ctx context.Context, c *http.Client, r request) (*answer, error) {
	var body io.Reader = bytes.NewReader(r.body)
	if r.stream != nil {
		body = r.stream
		if r.size == 0 { // a stream of none would go out in chunks
			body = http.NoBody
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return nil, hub.Permanent("unmappable", "the call cannot be written")
	}
	if r.stream != nil {
		req.ContentLength = r.size
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "Amtsbote")
	res, err := c.Do(req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, unreachable(ctx, err)
	case len(content) > maxAnswer:
		return nil, hub.Retryable(tooLarge, "the server's answer (HTTP %d) is longer than %d bytes", res.StatusCode, maxAnswer)
	}
	return &answer{res.StatusCode, res.Header, content}, nil
}

// unreachable takes the address out of what net/http reports.
func unreachable(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*hub.Fault](err); ok { // what was streamed could not be read
		return f
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		if outer.Timeout() && ctx.Err() == nil {
			return hub.Retryable("timeout", "the server has not answered in time (setting frist)")
		}
		err = outer.Err
	}
	if ctx.Err() != nil {
		return hub.Retryable("interrupted", "call the server: %w", ctx.Err())
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return hub.Retryable("untrusted", "the server's certificate is not trusted (setting ca): %s", untrusted(bad.Err))
	}
	return hub.Retryable("unreachable", "call the server: %s", cause(err))
}

func untrusted(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "another host's"
	}
	return "expired, not yet valid or for another use"
}
