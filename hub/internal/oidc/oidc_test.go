package oidc

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// provider serves its configuration and keys.
type provider struct {
	*httptest.Server
	asked atomic.Int32 // for keys
	key   ed25519.PrivateKey
	gone  atomic.Bool
	held  chan chan struct{} // not nil: an answer waits until what comes here is closed
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": p.URL, "jwks_uri": p.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		if p.held != nil {
			free := make(chan struct{})
			p.held <- free
			<-free
		}
		if p.gone.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Use: "sig"}}})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(t *testing.T, id string, expires time.Time) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: p.key, KeyID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jwt.Signed(s).Claims(jwt.Claims{Issuer: p.URL, Audience: jwt.Audience{"hub"}, Subject: "x", Expiry: jwt.NewNumericDate(expires)}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestKeysOfTheIssuer: they are found where its configuration says, asked for when a
// token needs it and not too often, and kept while the issuer is away.
func TestKeysOfTheIssuer(t *testing.T) {
	p := newProvider(t)
	now := time.Now()
	clock := func() time.Time { return now }
	keys, err := NewKeys(p.URL, "", clock)
	if err != nil {
		t.Fatal(err)
	}
	v := &Verifier{Issuer: p.URL, Audience: "hub", Keys: keys, Now: clock}
	good := p.token(t, "k", now.Add(time.Hour))
	for range 3 {
		if claims, err := v.Verify(t.Context(), good); err != nil || claims["sub"] != "x" {
			t.Fatal(claims, err)
		}
	}
	for range 3 {
		if _, err := v.Verify(t.Context(), p.token(t, "made-up", now.Add(time.Hour))); err == nil {
			t.Fatal("a token of a key that is not there is taken")
		}
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("asked %d times for keys", n)
	}
	p.gone.Store(true)
	now = now.Add(fresh + time.Second)
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Errorf("with the issuer away: %v", err)
	}
	if n := p.asked.Load(); n != 2 {
		t.Errorf("asked %d times for keys", n)
	}
	now = now.Add(time.Hour)
	if _, err := v.Verify(t.Context(), good); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("after its time: %v", err)
	}
}

// TestKeysOutliveWhoAskedFirst: whoever needs the keys and hangs up keeps them from
// nobody else.
func TestKeysOutliveWhoAskedFirst(t *testing.T) {
	p := newProvider(t)
	p.held = make(chan chan struct{})
	now := time.Now()
	clock := func() time.Time { return now }
	keys, err := NewKeys(p.URL, "", clock)
	if err != nil {
		t.Fatal(err)
	}
	v := &Verifier{Issuer: p.URL, Audience: "hub", Keys: keys, Now: clock}
	ctx, hangUp := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := v.Verify(ctx, p.token(t, "made-up", now.Add(time.Hour)))
		left <- err
	}()
	free := <-p.held
	hangUp()
	good := make(chan error)
	go func() {
		_, err := v.Verify(t.Context(), p.token(t, "k", now.Add(time.Hour)))
		good <- err
	}()
	close(free)
	if err := <-left; err == nil {
		t.Error("a token of a key that is not there is taken")
	}
	if err := <-good; err != nil {
		t.Error(err)
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("asked %d times for keys", n)
	}
}

func TestNewKeysRefusesPlainHTTP(t *testing.T) {
	for issuer, place := range map[string]string{"http://login.example": "", "https://login.example": "http://192.0.2.1/keys"} {
		if _, err := NewKeys(issuer, place, time.Now); err == nil {
			t.Errorf("%s with keys at %q is taken", issuer, place)
		}
	}
}

// FuzzVerify: whatever somebody sends as a token, it is refused.
func FuzzVerify(f *testing.F) {
	for _, s := range []string{"", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", `{"payload":"","signatures":[]}`, "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.e30.AAAA"} {
		f.Add(s)
	}
	keys, err := NewKeys("https://login.example", "testdata/none.json", time.Now)
	if err != nil {
		f.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	keys.set, keys.asked = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k"}}}, time.Now()
	v := &Verifier{Issuer: "https://login.example", Audience: "hub", Keys: keys, Now: time.Now}
	f.Fuzz(func(t *testing.T, raw string) {
		if claims, err := v.Verify(t.Context(), raw); err == nil {
			t.Errorf("%q is taken: %v", raw, claims)
		}
	})
}
