package token

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestBook: tokens live until they expire or are revoked, in the store; what is kept
// of them does not open anything.
func TestBook(t *testing.T) {
	b := hubtest.Bus(t)
	store, err := b.EnsureTokens(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	one, two := NewBook(store, clock), NewBook(store, clock) // as of two hubs
	secret, issued, err := one.Issue(t.Context(), "a.b", "me", 24*time.Hour)
	if err != nil || !strings.HasPrefix(secret, Prefix) || len(secret) != len(Prefix)+43 {
		t.Fatalf("issued %q: %v", secret, err)
	}
	for _, book := range []*Book{one, two, NewBook(store, clock)} {
		if r, err := book.Find(t.Context(), secret); err != nil || r != issued {
			t.Errorf("found %+v, %v, want %+v", r, err, issued)
		}
	}
	all, err := store.All(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	for key, raw := range all {
		if strings.Contains(string(raw), secret[len(Prefix):]) {
			t.Error("the secret is kept")
		}
		if _, err := one.Find(t.Context(), Prefix+key); !errors.Is(err, ErrUnknown) {
			t.Errorf("what is kept opens something: %v", err)
		}
	}
	now = now.Add(24 * time.Hour)
	if _, err := one.Find(t.Context(), secret); !errors.Is(err, ErrExpired) {
		t.Errorf("after its time: %v", err)
	}
	now = now.Add(-time.Minute)
	if _, err := two.Find(t.Context(), secret); err != nil {
		t.Error(err)
	}
	if r, err := one.Revoke(t.Context(), issued.ID); err != nil || r != issued {
		t.Errorf("revoked %+v, %v", r, err)
	}
	if _, err := one.Find(t.Context(), secret); !errors.Is(err, ErrUnknown) {
		t.Errorf("revoked, it is %v", err)
	}
	now = now.Add(KnownFor + 1)
	if _, err := two.Find(t.Context(), secret); !errors.Is(err, ErrUnknown) {
		t.Errorf("at the other hub, a moment later, it is %v", err)
	}
	if _, err := two.Revoke(t.Context(), issued.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("revoked twice: %v", err)
	}
	for _, lifetime := range []time.Duration{0, -1, MaxLifetime + 1} {
		if _, _, err := one.Issue(t.Context(), "a.b", "me", lifetime); err == nil {
			t.Errorf("issued for %v", lifetime)
		}
	}
}
