package fit_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

func TestPrivateKeyFiles(t *testing.T) {
	t.Parallel()
	key, other := keys(t)
	jwk := func(k fit.PrivateKey, alg string) []byte {
		raw, err := json.Marshal(jose.JSONWebKey{Key: k.Key, KeyID: k.ID, Algorithm: alg})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	set := append(append([]byte(`{"keys":[`), jwk(key, fit.AlgRSAOAEP256)...), append(append([]byte(","), jwk(other, "")...), "]}"...)...)
	swapped, err := json.Marshal(map[string]string{
		"kty": "RSA", "n": n(key), "e": "AQAB", "d": base64.RawURLEncoding.EncodeToString(other.Key.D.Bytes()),
		"p": base64.RawURLEncoding.EncodeToString(other.Key.Primes[0].Bytes()), "q": base64.RawURLEncoding.EncodeToString(other.Key.Primes[1].Bytes()),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		file []byte
		want int
	}{
		{"JWK", jwk(key, fit.AlgRSAOAEP256), 1},
		{"JWK set", set, 2},
		{"PKCS #8", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 1},
		{"PKCS #1", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key.Key)}), 1},
		{"JWK for signing", jwk(key, fit.AlgPS512), 0},
		{"halves of two keys", swapped, 0},
		{"public JWK", []byte(`{"kty":"RSA","n":"` + n(key) + `","e":"AQAB"}`), 0},
		{"nothing", nil, 0},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := fit.ReadPrivateKeys(path, fit.Decryption, 2048)
		if len(got) != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%s: %d keys, %v", c.name, len(got), err)
			continue
		}
		if c.want > 0 && (got[0].ID != key.ID || !got[0].Key.Equal(key.Key)) {
			t.Errorf("%s: another key", c.name)
		}
		if _, err := fit.ReadPrivateKeys(path, fit.Decryption, fit.MinBits); err == nil {
			t.Errorf("%s: 2048 bits are too few", c.name)
		}
	}
}

func n(k fit.PrivateKey) string { return base64.RawURLEncoding.EncodeToString(k.Key.N.Bytes()) }

// TestPublicJWK: what is written for a destination, another library reads, with the
// same thumbprint.
func TestPublicJWK(t *testing.T) {
	t.Parallel()
	key, _ := keys(t)
	raw, err := json.Marshal(fit.PublicJWK(key.Public(), fit.AlgRSAOAEP256, fit.OpWrap))
	if err != nil {
		t.Fatal(err)
	}
	var theirs jose.JSONWebKey
	if err := theirs.UnmarshalJSON(raw); err != nil || theirs.KeyID != key.ID {
		t.Fatal(theirs.KeyID, err)
	}
	read, err := fit.ReadJWK(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read.Public(fit.AlgRSAOAEP256, fit.OpWrap, 2048); err != nil {
		t.Error(err)
	}
	for name, use := range map[string][2]string{"signing": {fit.AlgPS512, fit.OpVerify}, "another operation": {fit.AlgRSAOAEP256, fit.OpVerify}} {
		if _, err := read.Public(use[0], use[1], 2048); !errors.Is(err, fit.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecordedKeys(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "samples", "mock-destination-key.public.jwk.json"))
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := fit.ReadJWK(raw)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Public(fit.AlgRSAOAEP256, fit.OpWrap, fit.MinBits)
	if err != nil || key.ID != "mock-destination-tier1" {
		t.Fatal(key.ID, err)
	}
	if _, _, err := fit.Encrypt(key, "application/json", []byte("{}")); err != nil {
		t.Error(err)
	}
}

func FuzzReadJWKS(f *testing.F) {
	key, _ := keys(f)
	raw, err := json.Marshal(fit.PublicJWK(key.Public(), fit.AlgPS512, fit.OpVerify))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"keys":[{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		set, err := fit.ReadJWKS(raw)
		if err != nil {
			return
		}
		for _, k := range set {
			if pub, err := k.Public(fit.AlgPS512, fit.OpVerify, 2048); err == nil && pub.Key.N.BitLen() < 2048 {
				t.Error("a short key was let through")
			}
		}
	})
}

// TestUse: a key that is for something else by its use is not taken.
func TestUse(t *testing.T) {
	t.Parallel()
	k, err := fit.NewKey(2048)
	if err != nil {
		t.Fatal(err)
	}
	for use, want := range map[string]bool{"": true, "sig": true, "enc": false, "other": false} {
		jwk := fit.PublicJWK(k.Public(), fit.AlgPS512, fit.OpVerify)
		jwk.Use = use
		if _, err := jwk.Public(fit.AlgPS512, fit.OpVerify, 2048); (err == nil) != want {
			t.Errorf("use %q: %v", use, err)
		}
		jwk = fit.PublicJWK(k.Public(), fit.AlgRSAOAEP256, fit.OpWrap)
		jwk.Use = use
		if _, err := jwk.Public(fit.AlgRSAOAEP256, fit.OpWrap, 2048); (err == nil) != (use == "" || use == "enc") {
			t.Errorf("use %q to wrap: %v", use, err)
		}
	}
}
