package accept

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// TestUsualHeaders: the short way of reading headers gives what the long one gives, or nothing.
func TestUsualHeaders(t *testing.T) {
	name := rapid.SampledFrom([]string{
		"ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-x1", "Ce-Id", "CE-ID", "ce-a_b", "ce-", "ce-data", "ce",
		"Content-Type", "content-type", "CONTENT-TYPE", "Nats-Msg-Id", "Amtsbote-Seq", "amtsbote-seq", "Cookie", "", "ſe-id", "Ke-id",
	})
	took := 0
	rapid.Check(t, func(t *rapid.T) {
		m := &event.Message{
			Subject: "in.a.b.c",
			Header:  rapid.MapOfN(name, rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "application/json"}), 1, 2), 0, 20).Draw(t, "headers"),
		}
		short, size := usual(m)
		long, want, r := whatever(m)
		if short == nil {
			return
		}
		took++
		if r != nil {
			t.Fatalf("taken where the long way refuses: %v", r)
		}
		if size != want || short.contentType != long.contentType || short.typed != long.typed ||
			!slices.Equal(short.attributes, long.attributes) {
			t.Errorf("%+v of %d bytes, want %+v of %d", short, size, long, want)
		}
		if again := (&event.Message{Subject: m.Subject, Header: m.Header}); m.Weight() != again.Weight() || m.InMemory() != again.InMemory() {
			t.Errorf("it weighs %d and takes %d, want %d and %d", m.Weight(), m.InMemory(), again.Weight(), again.InMemory())
		}
	})
	if took == 0 {
		t.Error("the short way was never taken")
	}
}

// TestFirstFault: of several faults that of the first header is told, by the headers' names as
// they came.
func TestFirstFault(t *testing.T) {
	for _, c := range []struct {
		headers []string
		want    refusal.Refusal
	}{
		{[]string{"ce-x", "Ce-X"}, *refusal.At(refusal.DuplicateHeader, "x")},
		{[]string{"ce-b", "ce-a", "CE-A", "CE-B"}, *refusal.At(refusal.DuplicateHeader, "a")},
		{[]string{"CE-X", "Ce-X", "ce-a_b"}, *refusal.At(refusal.DuplicateHeader, "x")},
		{[]string{"CE-X", "ce-x", "ce-a_b"}, *refusal.At(refusal.CEAttrName, "")},
		{[]string{"CE-X", "ce-x", "CONTENT-TYPE", "Content-Type"}, *refusal.At(refusal.DuplicateHeader, "content-type")},
		{[]string{"A", "ID", "Id", "a", "ce-a", "ce-id", "Ce-X", "ce-x"}, *refusal.At(refusal.DuplicateHeader, "x")}, // others may come as they like
	} {
		m := &event.Message{Header: map[string][]string{}}
		for _, name := range c.headers {
			m.Header[name] = []string{"application/json"}
		}
		if _, _, r := headers(m); r == nil || *r != c.want {
			t.Errorf("%q: %v, want %v", c.headers, r, c.want)
		}
	}
}
