package xta

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// Files are the PEM files of mutual TLS.
type Files struct {
	// Cert and Key are the account's certificate with its chain, and its key.
	Cert, Key string
	// CA is who may have signed the server's certificate; empty: the system's list.
	CA string
	// ServerName that the certificate must be for; empty: the address's host.
	ServerName string
}

// TLS makes the client's side of mutual TLS. The certificate is read anew for
// each connection, so that an exchanged file needs no restart.
func (f Files) TLS() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
	if f.CA != "" {
		pem, err := os.ReadFile(filepath.Clean(f.CA))
		if err != nil {
			return nil, fmt.Errorf("read certificate authority: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("read certificate authority: the file has no certificate (PEM)")
		}
	}
	if f.Cert == "" {
		return out, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return out, nil
}

// Transport suits one XTA server: no proxy, few connections.
func Transport(t *tls.Config) *http.Transport {
	return &http.Transport{
		TLSClientConfig: t, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 2 * time.Minute,
	}
}

// StatusError is an HTTP answer without a SOAP fault in it.
type StatusError struct{ Status int }

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("the XTA server answered with HTTP status %d and no fault", e.Status)
}

// call sends one envelope and reads the answer.
func (c *client) call(ctx context.Context, port string, e wire.Envelope) (*wire.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	e.To = port
	encoded, err := e.Encode(c.cfg.MTOM && e.Action == wire.SendMessage)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, port, encoded.Body())
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.ContentLength = encoded.Size
	req.Header.Set("Content-Type", encoded.ContentType)
	req.Header.Set("Accept", "application/soap+xml, multipart/related")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, reachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	m, err := wire.Read(resp.Body, resp.Header.Get("Content-Type"), c.cfg.Limits, c.cfg.Dir)
	return c.judge(m, err, resp, e.Action)
}

// judge believes a fault whatever the status, and anything else only with 200.
func (c *client) judge(m *wire.Message, err error, resp *http.Response, action string) (*wire.Message, error) {
	_, isFault := errors.AsType[*wire.Fault](err)
	switch {
	case isFault:
		return nil, err
	case resp.StatusCode != http.StatusOK && (err != nil || resp.StatusCode/100 != 2):
		if m != nil {
			m.Close()
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // lets the connection be used again
		return nil, &StatusError{resp.StatusCode}
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case m.Action != "" && m.Action != action && m.Action != action+"Response":
		m.Close()
		return nil, fmt.Errorf("read answer: %w", &wire.FormError{What: "it answers another action"})
	}
	return m, nil
}

// reachable takes the address out of an error: it may hold a secret.
func reachable(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("call the XTA server: %w", err)
}
