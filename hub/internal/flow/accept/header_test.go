package accept

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub/internal/event"
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
		slices.Sort(short.order)
		slices.Sort(long.order)
		if size != want || short.contentType != long.contentType || short.typed != long.typed ||
			!maps.Equal(short.attributes, long.attributes) || !slices.Equal(short.order, long.order) {
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
