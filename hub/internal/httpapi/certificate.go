package httpapi

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// Certificates authenticates by the client certificate of the TLS layer, which has
// verified its chain.
type Certificates struct {
	// Revoked tells whether a chain holds a revoked certificate; nil: no list is
	// configured.
	Revoked *Revocations
	Now     func() time.Time
}

var _ Authenticator = (*Certificates)(nil)

// Authenticate implements Authenticator. A connection may be older than what is wrong
// with its certificate now.
func (c *Certificates) Authenticate(r *http.Request, fed *federation.Federation) (*Principal, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, ErrNoCredential
	}
	if len(r.TLS.VerifiedChains) == 0 {
		return nil, errors.New("the client certificate was not verified")
	}
	leaf := r.TLS.PeerCertificates[0]
	if now := c.Now(); now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return nil, errors.New("the client certificate is not valid now")
	}
	if c.Revoked != nil {
		if err := c.Revoked.Check(r.TLS.VerifiedChains, c.Now()); err != nil {
			return nil, err
		}
	}
	app := fed.ByCertificate(leaf)
	if app == nil {
		return nil, errors.New("the client certificate names no application, or several")
	}
	return &Principal{Application: app, By: ByCertificate, Credential: leaf.SerialNumber.Text(16)}, nil
}

// Revocations are the revocation lists (RFC 5280, 5) of a file, which is read again
// when it changes. While they cannot be read, or are out of date, nobody gets in by a
// certificate.
type Revocations struct {
	file string

	mu    sync.Mutex
	stamp string
	lists []*x509.RevocationList
	err   error
}

// NewRevocations reads a file with one or more lists, in PEM or one in DER.
func NewRevocations(file string) (*Revocations, error) {
	x := &Revocations{file: file}
	_, err := x.current()
	return x, err
}

// current gives the lists as the file has them now.
func (x *Revocations) current() ([]*x509.RevocationList, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	stamp := fileStamp(x.file)
	if stamp == x.stamp && stamp != "" {
		return x.lists, x.err
	}
	x.stamp = stamp
	raw, err := os.ReadFile(x.file) //nolint:gosec // the operator's own file
	if err == nil {
		x.lists, err = parseLists(raw)
	}
	x.err = nil
	if err != nil {
		x.err = fmt.Errorf("the revocation list %s cannot be read: %w", x.file, err)
	}
	return x.lists, x.err
}

func fileStamp(file string) string {
	info, err := os.Stat(file) //nolint:gosec // the operator's own file
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}

// parseLists reads revocation lists.
func parseLists(raw []byte) (out []*x509.RevocationList, err error) {
	block, rest := pem.Decode(raw)
	if block == nil {
		list, err := x509.ParseRevocationList(raw)
		return []*x509.RevocationList{list}, err
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			return nil, fmt.Errorf("it holds a %q", block.Type)
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, list)
	}
	return out, nil
}

// Check tells why none of the chains is good; nil when one is.
func (x *Revocations) Check(chains [][]*x509.Certificate, now time.Time) error {
	lists, err := x.current()
	if err != nil {
		return err
	}
	for _, chain := range chains {
		if err = good(chain, lists, now); err == nil {
			return nil
		}
	}
	return err
}

// good holds every certificate of a chain but its root to the list of its issuer.
func good(chain []*x509.Certificate, lists []*x509.RevocationList, now time.Time) error {
	for i, c := range chain[:len(chain)-1] {
		if err := listed(c, chain[i+1], lists, now, i == 0); err != nil {
			return err
		}
	}
	return nil
}

// listed tells why a certificate is not good by its issuer's list. The client's own
// certificate must have one.
func listed(c, issuer *x509.Certificate, lists []*x509.RevocationList, now time.Time, must bool) error {
	found := !must
	for _, list := range lists {
		if list.CheckSignatureFrom(issuer) != nil {
			continue
		}
		if !list.NextUpdate.IsZero() && now.After(list.NextUpdate) {
			return errors.New("the revocation list is out of date")
		}
		found = true
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(c.SerialNumber) == 0 {
				return errors.New("the client certificate is revoked")
			}
		}
	}
	if !found {
		return errors.New("there is no revocation list of the client certificate's issuer")
	}
	return nil
}
