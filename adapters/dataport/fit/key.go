package fit

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Uses of a key (alg and key_ops of its JWK).
const (
	AlgPS512  = "PS512"
	OpVerify  = "verify"
	OpSign    = "sign"
	OpWrap    = "wrapKey"
	OpUnwrap  = "unwrapKey"
	keyTypeID = "RSA"
)

// MinBits is what FIT-Connect asks of every key.
const MinBits = 4096

// ErrKey is a JWK that is none, or not for the purpose.
var ErrKey = errors.New("is no usable key")

// PublicKey is a key with its name.
type PublicKey struct {
	ID  string
	Key *rsa.PublicKey
}

// PrivateKey is a key with its name.
type PrivateKey struct {
	ID  string
	Key *rsa.PrivateKey
}

// Public gives the public half.
func (k PrivateKey) Public() PublicKey { return PublicKey{k.ID, &k.Key.PublicKey} }

// Keyring is all keys that a destination has or had: a sender may use an older
// one for as long as it remembers it.
type Keyring []PrivateKey

func (r Keyring) named(id string) []PrivateKey {
	if id == "" {
		return r
	}
	return slices.DeleteFunc(slices.Clone(r), func(k PrivateKey) bool {
		return k.ID != id && Thumbprint(&k.Key.PublicKey) != id
	})
}

// JWK is a JSON Web Key (RFC 7517) as FIT-Connect uses them; members that are not
// named here are not looked at.
type JWK struct {
	Type       string   `json:"kty"`
	Algorithm  string   `json:"alg,omitzero"`
	Use        string   `json:"use,omitzero"`
	Operations []string `json:"key_ops,omitzero"`
	ID         string   `json:"kid,omitzero"`
	N          string   `json:"n"`
	E          string   `json:"e"`
	D          string   `json:"d,omitzero"`
	P          string   `json:"p,omitzero"`
	Q          string   `json:"q,omitzero"`
	// Chain is x5c, an array of texts where it is what it must be; ForSending alone
	// looks at it.
	Chain any `json:"x5c,omitzero"`
}

// ReadJWK reads one key.
func ReadJWK(raw []byte) (JWK, error) {
	var k JWK
	if err := strictJSON(raw, &k); err != nil {
		return k, fmt.Errorf("%w: no JSON Web Key", ErrKey)
	}
	return k, nil
}

// ReadJWKS reads a key set, or a single key.
func ReadJWKS(raw []byte) ([]JWK, error) {
	var set struct {
		Keys []JWK `json:"keys"`
	}
	if err := strictJSON(raw, &set); err != nil {
		return nil, fmt.Errorf("%w: no JSON Web Key Set", ErrKey)
	}
	if set.Keys != nil {
		return set.Keys, nil
	}
	k, err := ReadJWK(raw)
	return []JWK{k}, err
}

// Public gives the key when it is for the algorithm and operation (where it says
// so) and has at least minBits.
func (k JWK) Public(algorithm, operation string, minBits int) (PublicKey, error) {
	if k.Type != keyTypeID || k.Use != "" && k.Use != useOf(operation) || k.Algorithm != "" && k.Algorithm != algorithm || !k.allows(operation) {
		return PublicKey{}, fmt.Errorf("%w: it is not for %s, %s", ErrKey, algorithm, operation)
	}
	n, err := number(k.N)
	if err != nil {
		return PublicKey{}, err
	}
	if k.E != "AQAB" || n.BitLen() < minBits || n.BitLen() > 4*MinBits {
		return PublicKey{}, fmt.Errorf("%w: it needs %d bits or more, and the exponent 65537", ErrKey, minBits)
	}
	pub := &rsa.PublicKey{N: n, E: 65537}
	id := k.ID
	if id == "" {
		id = Thumbprint(pub)
	}
	return PublicKey{id, pub}, nil
}

// useOf is what a key of an operation has as its use (RFC 7517, 4.2).
func useOf(operation string) string {
	if operation == OpSign || operation == OpVerify {
		return "sig"
	}
	return "enc"
}

// allows says whether the key may do something; one that says nothing may. That it
// decrypts is as good as that it unwraps keys (RFC 7517, 4.3).
func (k JWK) allows(operation string) bool {
	return len(k.Operations) == 0 || slices.Contains(k.Operations, operation) ||
		operation == OpUnwrap && slices.Contains(k.Operations, "decrypt")
}

// Private gives the private key, likewise.
func (k JWK) Private(algorithm, operation string, minBits int) (PrivateKey, error) {
	pub, err := k.Public(algorithm, operation, minBits)
	if err != nil {
		return PrivateKey{}, err
	}
	d, err1 := number(k.D)
	p, err2 := number(k.P)
	q, err3 := number(k.Q)
	if err := errors.Join(err1, err2, err3); err != nil {
		return PrivateKey{}, err
	}
	private := &rsa.PrivateKey{PublicKey: *pub.Key, D: d, Primes: []*big.Int{p, q}}
	private.Precompute()
	if private.Validate() != nil {
		return PrivateKey{}, fmt.Errorf("%w: its parts do not belong together", ErrKey)
	}
	return PrivateKey{pub.ID, private}, nil
}

func number(s string) (*big.Int, error) {
	raw, err := base64url.DecodeString(s)
	if err != nil || len(raw) == 0 || len(raw) > 4*MinBits/8+1 {
		return nil, fmt.Errorf("%w: a part is missing or no number", ErrKey)
	}
	return new(big.Int).SetBytes(raw), nil
}

// Thumbprint is the name of a key that was given none (RFC 7638, SHA-256).
func Thumbprint(k *rsa.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"e":"` + base64url.EncodeToString(big.NewInt(int64(k.E)).Bytes()) +
		`","kty":"RSA","n":"` + base64url.EncodeToString(k.N.Bytes()) + `"}`))
	return base64url.EncodeToString(sum[:])
}

// PublicJWK writes a public key for its purpose.
func PublicJWK(k PublicKey, algorithm, operation string) JWK {
	return JWK{
		Type: keyTypeID, Algorithm: algorithm, Operations: []string{operation}, ID: k.ID,
		N: base64url.EncodeToString(k.Key.N.Bytes()), E: "AQAB",
	}
}
