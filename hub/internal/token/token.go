// Package token issues API tokens to applications: 256 random bits that are shown
// once. What is kept is their SHA-256, so that whoever reads the store cannot use
// them; they have so much entropy that no slow hash is needed (NIST SP 800-63B, 5.1.2).
package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Prefix begins every token, so that one that leaked is recognised.
const Prefix = "amtsbote_"

// Lifetimes of a token.
const (
	DefaultLifetime = 90 * 24 * time.Hour
	MaxLifetime     = 366 * 24 * time.Hour
)

// Record is what is kept of a token.
type Record struct {
	ID string `json:"id"` // to list and revoke it; no secret
	// Application that it stands for, or Metrics.
	Application string    `json:"application"`
	Issued      time.Time `json:"issued"`
	Expires     time.Time `json:"expires"`
	By          string    `json:"by"` // user name of who had it issued
}

// Metrics stands in the place of an application for a token that opens the metrics
// and nothing else.
const Metrics = "metrics"

// Errors of Find and Revoke.
var (
	ErrUnknown = errors.New("there is no such token: it was never issued, or was revoked")
	ErrExpired = errors.New("the token has expired")
)

// Store keeps records durably: bus.Store.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
	All(ctx context.Context) (map[string][]byte, error)
}

// Book knows the tokens. Its methods are safe for concurrent use. Several hubs may
// have one store: what one of them revokes, the others take for good for KnownFor at
// most.
type Book struct {
	store Store
	now   func() time.Time

	mu    sync.Mutex
	known map[string]known // by key
}

type known struct {
	record Record
	until  time.Time
}

// KnownFor is how long a token that was found is not looked up again.
const KnownFor = 2 * time.Second

const mostKnown = 10_000

// NewBook opens the book on a store.
func NewBook(store Store, now func() time.Time) *Book {
	return &Book{store: store, now: now, known: map[string]known{}}
}

func keyOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// idOf is the part of a key by which people name a token.
func idOf(key string) string { return key[:12] }

// Issue makes a token; it is stored and synced when Issue returns. The secret is
// given this once.
func (b *Book) Issue(ctx context.Context, application, by string, lifetime time.Duration) (secret string, r Record, err error) {
	if lifetime <= 0 || lifetime > MaxLifetime {
		return "", r, fmt.Errorf("a token lives for 1 to %d days", MaxLifetime/(24*time.Hour))
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails
	secret = Prefix + base64.RawURLEncoding.EncodeToString(random[:])
	key, now := keyOf(secret), b.now().UTC().Truncate(time.Second)
	r = Record{ID: idOf(key), Application: application, Issued: now, Expires: now.Add(lifetime), By: by}
	raw, err := json.Marshal(r)
	if err == nil {
		err = b.store.Put(ctx, key, raw)
	}
	return secret, r, err
}

// Find gives what a token stands for: ErrUnknown, ErrExpired, or an error of the
// store.
func (b *Book) Find(ctx context.Context, secret string) (Record, error) {
	if !strings.HasPrefix(secret, Prefix) || len(secret) > 100 {
		return Record{}, ErrUnknown
	}
	key, now := keyOf(secret), b.now()
	b.mu.Lock()
	k, ok := b.known[key]
	b.mu.Unlock()
	if !ok || now.After(k.until) {
		r, err := b.look(ctx, key)
		if err != nil {
			return Record{}, err
		}
		k = known{r, now.Add(KnownFor)}
		b.learn(key, k, now)
	}
	if !now.Before(k.record.Expires) {
		return Record{}, ErrExpired
	}
	return k.record, nil
}

func (b *Book) look(ctx context.Context, key string) (r Record, err error) {
	raw, err := b.store.Get(ctx, key)
	switch {
	case err != nil:
		return r, err
	case raw == nil:
		return r, ErrUnknown
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("the record of a token is damaged: %w", err)
	}
	return r, nil
}

func (b *Book) learn(key string, k known, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= mostKnown {
		for other, k := range b.known {
			if now.After(k.until) {
				delete(b.known, other)
			}
		}
	}
	if len(b.known) < mostKnown {
		b.known[key] = k
	}
}

// List gives all tokens, those of an application alone when it is not "", by
// application and time.
func (b *Book) List(ctx context.Context, application string) ([]Record, error) {
	all, err := b.store.All(ctx)
	if err != nil {
		return nil, err
	}
	var out []Record
	for key, raw := range all {
		var r Record
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fmt.Errorf("the record of token %s is damaged: %w", idOf(key), err)
		}
		if application == "" || r.Application == application {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y Record) int {
		if c := strings.Compare(x.Application, y.Application); c != 0 {
			return c
		}
		return x.Issued.Compare(y.Issued)
	})
	return out, nil
}

// Revoke ends a token at once, by its id: ErrUnknown when there is none.
func (b *Book) Revoke(ctx context.Context, id string) (r Record, err error) {
	all, err := b.store.All(ctx)
	if err != nil {
		return r, err
	}
	for key, raw := range all {
		if idOf(key) != id {
			continue
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			r = Record{ID: id} // it goes all the same
		}
		if err := b.store.Delete(ctx, key); err != nil {
			return r, err
		}
		b.mu.Lock()
		delete(b.known, key)
		b.mu.Unlock()
		return r, nil
	}
	return r, ErrUnknown
}
