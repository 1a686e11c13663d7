package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys are the public keys of an issuer (JWKS, RFC 7517), from a file or a URL.
type Keys struct {
	place  string // file or URL of the JWKS; "" for what Issuer says of itself
	issuer string
	client *http.Client
	now    func() time.Time

	loading sync.Mutex // held while they are asked for

	mu    sync.Mutex
	set   jose.JSONWebKeySet
	asked time.Time // when they were last asked for
	stamp string    // of the file that they were read from
}

const (
	// fresh is how long keys are taken for current. A key that is not among them is
	// asked for sooner, but not more often than every soonest: who sends tokens with
	// made-up key names does not make the hub ask the issuer each time.
	fresh    = 15 * time.Minute
	soonest  = 10 * time.Second
	timeout  = 5 * time.Second // of one of the two questions
	maxBytes = 1 << 20
)

// NewKeys makes the keys of an issuer: from a file, from an https URL, or, with place
// "", from where the issuer's configuration says (OpenID Connect Discovery 1.0, 4).
// http is allowed on loopback. Nothing is fetched yet.
func NewKeys(issuer, place string, now func() time.Time) (*Keys, error) {
	for _, u := range []string{issuer, place} {
		if err := secure(u); err != nil {
			return nil, err
		}
	}
	return &Keys{place: place, issuer: issuer, now: now, client: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func remote(place string) bool {
	return strings.HasPrefix(place, "https://") || strings.HasPrefix(place, "http://")
}

// secure refuses http to other machines.
func secure(place string) error {
	if !strings.HasPrefix(place, "http://") {
		return nil
	}
	u, err := url.Parse(place)
	if err != nil {
		return fmt.Errorf("OIDC address %q: %w", place, err)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("OIDC address %q: http is allowed on loopback only, use https", place)
	}
	return nil
}

// find gives the keys with which a token with this header may be signed. Who has one
// does not wait while they are asked for again.
func (k *Keys) find(ctx context.Context, id, algorithm string) ([]jose.JSONWebKey, error) {
	found, due := k.current(id, algorithm)
	switch {
	case !due && len(found) > 0:
		return found, nil
	case len(found) == 0:
		k.loading.Lock()
	case !k.loading.TryLock():
		return found, nil
	}
	defer k.loading.Unlock()
	if found, due = k.current(id, algorithm); due {
		if err := k.refresh(ctx); err != nil && len(found) == 0 {
			return nil, fmt.Errorf("the issuer's keys cannot be had: %w", err)
		}
		found, _ = k.current(id, algorithm)
	}
	if len(found) == 0 {
		return nil, errors.New("the issuer has no key of the name that the token gives")
	}
	return found, nil
}

// current gives what fits of the keys that are known, and tells whether to ask for
// them again.
func (k *Keys) current(id, algorithm string) (found []jose.JSONWebKey, due bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found = k.match(id, algorithm)
	age := k.now().Sub(k.asked)
	return found, k.asked.IsZero() || age > fresh || len(found) == 0 && age > soonest || k.changed()
}

// refresh asks for the keys; those that are known stay when they cannot be had. It does
// not end with the request that needs them: whoever hangs up would keep the keys from
// all others until they may be asked for again.
func (k *Keys) refresh(ctx context.Context) error {
	stamp := ""
	if k.place != "" && !remote(k.place) {
		stamp = stampOf(k.place)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*timeout)
	defer cancel()
	set, err := k.load(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked, k.stamp = k.now(), stamp
	if err == nil {
		k.set = *set
	}
	return err
}

func (k *Keys) match(id, algorithm string) (out []jose.JSONWebKey) {
	for _, key := range k.set.Keys {
		if key.Valid() && key.IsPublic() && (id == "" || key.KeyID == id) && (key.Use == "" || key.Use == "sig") && (key.Algorithm == "" || key.Algorithm == algorithm) {
			out = append(out, key)
		}
	}
	return out
}

// changed tells whether the file is another than the one that was read.
func (k *Keys) changed() bool {
	return k.place != "" && !remote(k.place) && k.stamp != stampOf(k.place)
}

func stampOf(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}

func (k *Keys) load(ctx context.Context) (*jose.JSONWebKeySet, error) {
	raw, err := k.raw(ctx)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, errors.New("the key set (JWKS) is no JSON of that form")
	}
	return &set, nil
}

func (k *Keys) raw(ctx context.Context) ([]byte, error) {
	switch {
	case remote(k.place):
		return k.fetch(ctx, k.place)
	case k.place != "":
		return os.ReadFile(k.place)
	}
	raw, err := k.fetch(ctx, strings.TrimSuffix(k.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	var said struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(raw, &said); err != nil || said.Issuer != k.issuer || !remote(said.JWKS) {
		return nil, errors.New("the issuer's configuration names another issuer, or no key set")
	}
	if err := secure(said.JWKS); err != nil {
		return nil, err
	}
	return k.fetch(ctx, said.JWKS)
}

func (k *Keys) fetch(ctx context.Context, at string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer was %s", resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxBytes))
}
