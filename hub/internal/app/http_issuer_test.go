package app_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// issuer signs access tokens, its public keys lie in a file.
type issuer struct {
	name, file string
	key        *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	i := &issuer{name: "https://login.example", file: filepath.Join(t.TempDir(), "jwks.json"), key: key}
	i.publish(t, "one", key.Public())
	return i
}

// publish replaces the keys.
func (i *issuer) publish(t *testing.T, id string, key crypto.PublicKey) {
	t.Helper()
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: id, Algorithm: "ES256", Use: "sig"}}})
	must(t, err)
	must(t, os.WriteFile(i.file, raw, 0o600))
}

// token signs claims over good ones; nil removes one.
func (i *issuer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	return sign(t, jose.ES256, "one", i.key, i.claims(claims))
}

func (i *issuer) claims(over map[string]any) map[string]any {
	all := map[string]any{
		"iss": i.name, "aud": "amtsbote", "exp": time.Now().Add(time.Hour).Unix(), "nbf": time.Now().Add(-time.Minute).Unix(),
	}
	maps.Copy(all, over)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, id string, key any, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	must(t, err)
	out, err := jwt.Signed(s).Claims(claims).Serialize()
	must(t, err)
	return out
}
