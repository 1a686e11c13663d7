package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// ReadTLS reads a certificate (PEM, with what leads to its authority) and its key;
// nil when neither is given. A renewed file is taken in with the next connection. With
// a file of authorities clients must show a certificate of one of them where the
// listener asks for it: ClientAuth is the listener's.
func ReadTLS(cert, key, clientCA string) (*tls.Config, error) {
	switch {
	case cert == "" && key == "" && clientCA == "":
		return nil, nil
	case cert == "" || key == "":
		return nil, errors.New("a certificate needs its key and the other way round: give both (--tls-cert, --tls-key)")
	}
	f := &certificateFile{cert: cert, key: key}
	if _, err := f.get(nil); err != nil {
		return nil, err
	}
	out := &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: f.get}
	if clientCA == "" {
		return out, nil
	}
	pem, err := os.ReadFile(clientCA) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read the authorities of clients: %w", err)
	}
	out.ClientCAs = x509.NewCertPool()
	if !out.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the authorities of clients: %s holds no certificate (PEM)", clientCA)
	}
	return out, nil
}

// certificateFile reads a certificate anew when its file has changed.
type certificateFile struct {
	cert, key string

	mu    sync.Mutex
	of    time.Time // of the file that was read
	value *tls.Certificate
}

func (f *certificateFile) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	st, err := os.Stat(f.cert)
	if err == nil && f.value != nil && st.ModTime().Equal(f.of) {
		return f.value, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(f.cert, f.key)
	}
	switch {
	case err == nil:
		f.value, f.of = &pair, st.ModTime()
	case f.value == nil:
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return f.value, nil // of a renewal that is half written the certificate before goes on
}
