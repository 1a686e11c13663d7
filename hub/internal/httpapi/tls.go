package httpapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
)

// TLSFiles are what the server's side of TLS is made of.
type TLSFiles struct {
	Cert, Key string // PEM; read again when they change
	// ClientCA are the authorities whose client certificates are taken, PEM; "": none
	// is asked for.
	ClientCA string
}

// Config makes the server's side: TLS 1.3 alone, with Go's own choice of key
// agreements (BSI TR-02102-2). nil when there are no files.
func (f TLSFiles) Config() (*tls.Config, error) {
	if f == (TLSFiles{}) {
		return nil, nil
	}
	if f.Cert == "" || f.Key == "" {
		return nil, errors.New("TLS for HTTP needs a certificate and its key: give --http-cert and --http-key")
	}
	pair := &keyPair{cert: f.Cert, key: f.Key}
	if _, err := pair.get(nil); err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: pair.get}
	if f.ClientCA == "" {
		return c, nil
	}
	raw, err := os.ReadFile(f.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of client certificates: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", f.ClientCA)
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	return c, nil
}

// keyPair is the server's certificate, read again when its file changes; while the new
// one cannot be read, the old one goes on.
type keyPair struct {
	cert, key string

	mu    sync.Mutex
	stamp string
	pair  *tls.Certificate
}

func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	stamp := fileStamp(k.cert) + fileStamp(k.key)
	if k.pair != nil && stamp == k.stamp {
		return k.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(k.cert, k.key)
	switch {
	case err == nil:
		k.pair, k.stamp = &pair, stamp
	case k.pair == nil:
		return nil, fmt.Errorf("read the certificate and key of the HTTP server: %w", err)
	}
	return k.pair, nil
}
