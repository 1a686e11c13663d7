package fit

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/go-json-experiment/json"
)

// Purpose says what a private key is for.
type Purpose struct{ algorithm, operation string }

// The purposes.
var (
	Decryption = Purpose{AlgRSAOAEP256, OpUnwrap}
	Signature  = Purpose{AlgPS512, OpSign}
	// ZBP signs messages for the Zentrales Bürgerpostfach.
	ZBP = Purpose{"RS512", OpSign}
)

// ReadPrivateKeys reads a file with private keys: a JWK, a JWK set, or PEM (PKCS #8
// or PKCS #1; each is named by its thumbprint).
func ReadPrivateKeys(path string, purpose Purpose, minBits int) ([]PrivateKey, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return privateJWKs(raw, purpose, minBits)
	}
	return privatePEM(raw, minBits)
}

func privateJWKs(raw []byte, purpose Purpose, minBits int) ([]PrivateKey, error) {
	set, err := ReadJWKS(raw)
	if err != nil {
		return nil, fmt.Errorf("read private key: the file %w", err)
	}
	var keys []PrivateKey
	for _, k := range set {
		one, err := k.Private(purpose.algorithm, purpose.operation, minBits)
		if err != nil {
			return nil, fmt.Errorf("read private key: it %w", err)
		}
		keys = append(keys, one)
	}
	return keys, nil
}

func privatePEM(raw []byte, minBits int) ([]PrivateKey, error) {
	var keys []PrivateKey
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		key, err := parsePEM(block)
		if err != nil {
			return nil, err
		}
		if key.N.BitLen() < minBits {
			return nil, fmt.Errorf("read private key: it %w: it needs %d bits or more", ErrKey, minBits)
		}
		keys = append(keys, PrivateKey{Thumbprint(&key.PublicKey), key})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read private key: the file %w: neither JWK nor PEM", ErrKey)
	}
	return keys, nil
}

func parsePEM(block *pem.Block) (*rsa.PrivateKey, error) {
	if block.Type == "RSA PRIVATE KEY" {
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read private key: it %w", ErrKey)
		}
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, isRSA := any.(*rsa.PrivateKey)
	if err != nil || !isRSA {
		return nil, fmt.Errorf("read private key: it %w: no RSA key", ErrKey)
	}
	return key, nil
}

// WriteJWK writes a private key as a JWK, to be kept in a file.
func (k PrivateKey) WriteJWK(purpose Purpose) ([]byte, error) {
	j := PublicJWK(k.Public(), purpose.algorithm, purpose.operation)
	j.D = base64url.EncodeToString(k.Key.D.Bytes())
	j.P = base64url.EncodeToString(k.Key.Primes[0].Bytes())
	j.Q = base64url.EncodeToString(k.Key.Primes[1].Bytes())
	return json.Marshal(j)
}

// NewKey makes a key, named by its thumbprint.
func NewKey(bits int) (PrivateKey, error) {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("make a key: %w", err)
	}
	return PrivateKey{Thumbprint(&k.PublicKey), k}, nil
}
