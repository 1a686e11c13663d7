package flow

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestLongIDs: an id that is as long as headers may be, and longer, rests in quarantine and holds
// up nobody.
func TestLongIDs(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	lengths := []int{256, 768, 769, 16 << 10, 31 << 10, 32500, 32600, 32700, 33000, 60000}
	for _, n := range lengths {
		m := hubtest.Event(strings.Repeat("7", n), hubtest.Ding, "k", `{"n":1}`)
		for name := range m.Header {
			if name != "ce-id" {
				delete(m.Header, name)
			}
		}
		if _, err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	until(t, b, newLane(t, b, fed))
	look(t, b).exact(t, uint64(len(lengths)))
	var got []int
	if err := b.Read(t.Context(), bus.Quarantine, 1, []string{"quarantine.alpha.>"}, func(m *event.Message) error {
		got = append(got, len(send.Refused(m).Get("ce-id")))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(lengths) {
		t.Fatalf("%d rest in quarantine, want %d", len(got), len(lengths))
	}
	for i, n := range lengths {
		if got[i] != n {
			t.Errorf("an id of %d bytes has %d there", n, got[i])
		}
	}
}
