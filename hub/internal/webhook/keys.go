package webhook

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// Keys are a webhook's secrets, read from where the directory says they are.
type Keys struct {
	sign   [][]byte
	client string // OAuth2 client secret
	tls    *tls.Config
	digest string
}

// Digest changes when a secret does.
func (k *Keys) Digest() string { return k.digest }

// maxSecret is the largest secret file: a chain of certificates.
const maxSecret = 64 << 10

// Load reads the secrets of w: files below the folder dir, and variables of the
// environment. Errors name the file or variable, never what is in it.
func Load(w *federation.Webhook, dir string) (*Keys, error) {
	l := &loader{dir: dir}
	k := &Keys{tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	var errs []error
	for _, s := range w.Secrets {
		key, err := parseSecret(l.secret(s))
		if err != nil && l.err == nil {
			errs = append(errs, fmt.Errorf("%s: %w", nameOf(s), err))
		}
		k.sign = append(k.sign, key)
	}
	if w.OAuth2 != nil {
		k.client = strings.TrimSpace(l.secret(w.OAuth2.Secret))
	}
	if w.Certificate != "" {
		pair, err := tls.X509KeyPair([]byte(l.file(w.Certificate)), []byte(l.file(w.Key)))
		if err != nil && l.err == nil {
			errs = append(errs, fmt.Errorf("%s, %s: no certificate and its key in PEM", w.Certificate, w.Key))
		}
		k.tls.Certificates = []tls.Certificate{pair}
	}
	if w.CA != "" {
		k.tls.RootCAs = x509.NewCertPool()
		if !k.tls.RootCAs.AppendCertsFromPEM([]byte(l.file(w.CA))) && l.err == nil {
			errs = append(errs, fmt.Errorf("%s: no certificates in PEM", w.CA))
		}
	}
	k.digest = hex.EncodeToString(l.sum[:])
	return k, errors.Join(append(errs, l.err)...)
}

func nameOf(s federation.Secret) string {
	if s.Env != "" {
		return s.Env
	}
	return s.File
}

type loader struct {
	dir string
	sum [sha256.Size]byte
	err error
}

func (l *loader) secret(s federation.Secret) string {
	if s.Env == "" {
		return l.file(s.File)
	}
	text, ok := os.LookupEnv(s.Env)
	if !ok {
		l.err = errors.Join(l.err, fmt.Errorf("the variable %s is not set", s.Env))
	}
	return l.took(text)
}

func (l *loader) file(name string) string {
	text, err := readBelow(l.dir, name)
	if err != nil {
		l.err = errors.Join(l.err, fmt.Errorf("secret %s in %s: %w", name, l.dir, err))
	}
	return l.took(string(text))
}

func (l *loader) took(text string) string {
	l.sum = sha256.Sum256(append(l.sum[:], text...))
	return text
}

// readBelow reads a file that lies in dir, and not where a link leads out of it.
func readBelow(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer root.Close() //nolint:errcheck // read only
	f, err := root.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(text) > maxSecret {
		err = errors.New("larger than 64 KiB")
	}
	return text, err
}
