package console

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
)

// TestDrafts: a session finds its last draft again, of that event, for a while; nobody else
// does, and there are never many.
func TestDrafts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	x := &drafts{now: func() time.Time { return now }}
	one, other := &session{}, &session{}
	has := func(s *session, seq uint64) bool {
		d, ok := x.find(s, seq)
		return ok && d.text == "{}" && d.err != nil
	}
	wrong := errors.New("still wrong")
	x.keep(draft{session: one, seq: 7, text: "{}", err: wrong})
	if !has(one, 7) || has(one, 8) || has(other, 7) {
		t.Error("a draft is not found, or by another, or of another event")
	}
	x.keep(draft{session: one, seq: 8, text: "{}", err: wrong})
	if has(one, 7) || !has(one, 8) {
		t.Error("the last draft is not the only one")
	}
	x.keep(draft{session: other, seq: 8, text: strings.Repeat("x", quarantine.MaxEdited+1), err: wrong})
	if _, ok := x.find(other, 8); ok {
		t.Error("a draft that is too large is kept")
	}
	now = now.Add(lookFor + 1)
	if has(one, 8) {
		t.Error("a draft lasts on")
	}
	x.keep(draft{session: one, seq: 9, text: "{}", err: wrong})
	if x.drop(one); has(one, 9) || len(x.of) > 0 {
		t.Error("a draft was let go of and is there, or an old one")
	}
	for range maxDrafts + 5 {
		x.keep(draft{session: &session{}, seq: 9, text: "{}", err: wrong})
	}
	if len(x.of) != maxDrafts {
		t.Errorf("there are %d drafts", len(x.of))
	}
}
