package fit

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// Trust says what a sender asks of a destination's key beyond its form.
type Trust struct {
	MinBits int
	// Roots are the authorities to which the key's certificate must lead; nil: a key
	// may come without a certificate, and whose it is is not looked at.
	Roots *x509.CertPool
	// Now is when it is looked at.
	Now time.Time
}

// maxChain bounds how many certificates a key may bring.
const maxChain = 10

// ForSending gives the key, named keyID, when a sender may encrypt to it: it says
// itself that it wraps keys with RSA-OAEP-256, and its certificate, where it has or
// needs one, is valid and of this very key. Revocation (OCSP, CRL) is not asked for.
func (k JWK) ForSending(keyID string, t Trust) (PublicKey, error) {
	if k.ID != keyID || k.Algorithm != AlgRSAOAEP256 || !slices.Contains(k.Operations, OpWrap) {
		return PublicKey{}, fmt.Errorf("%w: it must have the name that was asked for, and say itself that it is for %s, %s", ErrKey, AlgRSAOAEP256, OpWrap)
	}
	pub, err := k.Public(AlgRSAOAEP256, OpWrap, t.MinBits)
	if err != nil {
		return PublicKey{}, err
	}
	return pub, k.certified(pub.Key, t)
}

func (k JWK) certified(key *rsa.PublicKey, t Trust) error {
	chain, err := k.certificates()
	switch {
	case err != nil:
		return err
	case len(chain) == 0 && t.Roots == nil:
		return nil
	case len(chain) == 0:
		return fmt.Errorf("%w: it has no certificate (x5c), and one is demanded", ErrKey)
	case !key.Equal(chain[0].PublicKey):
		return fmt.Errorf("%w: its certificate is that of another key", ErrKey)
	case t.Now.Before(chain[0].NotBefore) || t.Now.After(chain[0].NotAfter):
		return fmt.Errorf("%w: its certificate is not valid now", ErrKey)
	case t.Roots == nil:
		return nil
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{
		Roots: t.Roots, Intermediates: between, CurrentTime: t.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		return fmt.Errorf("%w: its certificate does not lead to the authorities that are trusted", ErrKey)
	}
	return nil
}

// certificates reads x5c: the key's own first, each base64 of DER.
func (k JWK) certificates() ([]*x509.Certificate, error) {
	bad := fmt.Errorf("%w: its certificates (x5c) cannot be read", ErrKey)
	if k.Chain == nil {
		return nil, nil
	}
	list, is := k.Chain.([]any)
	if !is || len(list) == 0 || len(list) > maxChain {
		return nil, bad
	}
	var chain []*x509.Certificate
	for _, one := range list {
		text, _ := one.(string)
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, bad
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, bad
		}
		chain = append(chain, c)
	}
	return chain, nil
}
