package fit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// FuzzForSending: whatever a service hands out as a key, nothing but a key for the
// purpose comes of it.
func FuzzForSending(f *testing.F) {
	f.Add([]byte(`{"kty":"RSA","alg":"RSA-OAEP-256","key_ops":["wrapKey"],"kid":"k","n":"AQAB","e":"AQAB","x5c":["MA==","eA"]}`))
	f.Add([]byte(`{"kid":"k","x5c":"x"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := fit.ReadJWK(raw)
		if err != nil {
			return
		}
		if _, err := k.ForSending("k", fit.Trust{MinBits: 2048, Now: time.Now()}); err == nil && (k.Algorithm != fit.AlgRSAOAEP256 || len(k.N) < 340) {
			t.Errorf("taken: %s", raw)
		} else if err != nil && !errors.Is(err, fit.ErrKey) {
			t.Error(err)
		}
	})
}

// FuzzVerifyRoute: nobody but the holder of a key signs a route.
func FuzzVerifyRoute(f *testing.F) {
	key, _ := keys(f)
	trusted := []fit.JWK{fit.PublicJWK(key.Public(), fit.AlgPS512, fit.OpVerify)}
	f.Add("eyJhbGciOiJQUzUxMiJ9.e30.AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, compact string) {
		if err := fit.VerifyRoute(compact, "d12caea8-f372-4eb1-b102-b0a228253a11", "99107001017000", "091620000000", trusted, 2048); !errors.Is(err, fit.ErrRoute) {
			t.Errorf("%q: %v", compact, err)
		}
	})
}
