package console

import (
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/schemas"
)

// TestMaskedSperre: of no built-in type the masked view shows that there is a Sperre.
func TestMaskedSperre(t *testing.T) {
	t.Parallel()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, typ := range registry.Types() {
		s, ok := registry.Lookup(typ)
		if !ok {
			t.Fatal(typ)
		}
		for _, f := range s.Fields() {
			if f.Sperre == "" {
				continue
			}
			n++
			var v any = "geheim"
			names := strings.Split(f.Pointer[1:], "/")
			for i := len(names) - 1; i >= 0; i-- {
				v = ordered{{names[i], v}}
			}
			for _, full := range []bool{false, true} {
				w := &payloadWalk{p: &payload{}, full: full, lang: "de", t: german, fields: fieldsOf(s)}
				w.value("", "", 0, v)
				if got := lines(w.p); strings.Contains(got, names[len(names)-1]) != full {
					t.Errorf("%s %s, full %v:\n%s", typ, f.Pointer, full, got)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no type has a Sperre")
	}
}

// TestOldLogins: a link and a session that an issuer began end in time, and too many
// logins cost the oldest alone.
func TestOldLogins(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	k := &links{now: clock}
	old, s := k.make(), &sessions{now: clock}
	_, name := s.begin("a", nil, false)
	l := &logins{now: clock}
	first, _, _ := l.begin()
	now = now.Add(time.Second)
	second, _, _ := l.begin()
	for range maxLogins - 1 {
		l.begin()
	}
	if _, ok := l.end(first); ok {
		t.Error("the oldest login is still there")
	}
	if _, ok := l.end(second); !ok {
		t.Error("another login is gone too")
	}
	for range 3 {
		now = now.Add(sessionIdle - time.Minute)
		s.find(name, true)
	}
	if s.find(name, true) != nil {
		t.Error("a session of an issuer goes on beyond an hour")
	}
	if k.use(old) {
		t.Error("an old link lets in")
	}
	d := &limiter{now: clock}
	if d.allow("a", 1); !d.spent("a", 1) || d.spent("b", 1) {
		t.Error("who has tried too much")
	}
}
