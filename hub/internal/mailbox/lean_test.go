package mailbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

type sinkFunc func(hub.Delivery) error

func (f sinkFunc) Deliver(_ context.Context, d hub.Delivery) error { return f(d) }

// TestInHandWithoutData: of copies that wait in hand for a receiver that is down
// the data is not kept; delivered, parked or not, they are whole.
func TestInHandWithoutData(t *testing.T) {
	b := hubtest.Bus(t)
	const copies, size = 60, 100_000
	data := func(n int) string { return fmt.Sprintf(`{"n":%d%s}`, n, strings.Repeat(" ", size)) }
	var down atomic.Bool
	down.Store(true)
	var underway, most atomic.Int32
	r := &receiver{}
	takes := sinkFunc(func(d hub.Delivery) error {
		now := underway.Add(1)
		defer underway.Add(-1)
		most.Store(max(most.Load(), now))
		if down.Load() {
			<-time.After(time.Millisecond) // so that deliveries meet
			return errors.New("connection refused")
		}
		var n int
		if _, err := fmt.Sscanf(d.Event.ID(), "e%d", &n); err != nil || string(d.Event.Data()) != data(n) {
			t.Errorf("%s came with %d bytes: %v", d.Event.ID(), len(d.Event.Data()), err)
		}
		return nil
	})
	for n := range copies {
		m := copyFor(n, fmt.Sprint(n), data(n))
		if n%2 == 0 { // in structured mode the id stands in the data
			m.Header["Content-Type"] = []string{"application/cloudevents+json"}
			for name := range m.Header {
				if strings.HasPrefix(name, "ce-") {
					delete(m.Header, name)
				}
			}
			m.Data = []byte(fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":%q,"type":%q,"data":%s}`, n, hubtest.Source, hubtest.Ding, data(n)))
		}
		if _, err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	m, outcomes, stop := startMailbox(t, b, r, func(m *Mailbox, _ context.CancelFunc) { m.Sink = takes })
	defer stop()
	inHand := func() (n, bytes int) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, c := range m.held {
			bytes += len(c.Data)
		}
		return len(m.held), bytes
	}
	deadline := time.After(hubtest.Patience)
	for n, bytes := inHand(); n < copies; n, bytes = inHand() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%d copies in hand with %d bytes", n, bytes)
		}
	}
	if _, bytes := inHand(); bytes > 0 {
		t.Errorf("the copies in hand keep %d bytes", bytes)
	}
	down.Store(false)
	wait(t, outcomes, copies)
	if n := most.Load(); n > largeAtOnce {
		t.Errorf("%d large deliveries were underway at once", n)
	}
}

// TestLean: a small copy stays as it is; a large one keeps what is asked of it
// while it waits.
func TestLean(t *testing.T) {
	small := copyFor(1, "k", `{"n":1}`)
	if lean(&small) != &small {
		t.Error("a small copy was changed")
	}
	large := copyFor(2, "k%20%C3%A4", strings.Repeat(" ", leanAbove)+`{"n":1}`)
	earlier := copyFor(2, "other", string(large.Data)) // says in headers what others say by the way
	earlier.Header[event.HeaderIn], earlier.Header[event.HeaderSeq] = []string{"IN_alpha"}, []string{"2"}
	earlier.Header[event.HeaderKey] = []string{"k%20%C3%A4"}
	for _, m := range []*event.Message{&large, &earlier} {
		l := lean(m)
		if in, seq := l.Of(); in != "IN_alpha" || seq != 2 || len(l.Data) > 0 || sizeOf(l) != len(m.Data) || idOf(l) != "e2" ||
			l.KeyOf() != "k ä" || tokenOf(l) != tokenOf(m) || l.Get(event.HeaderDelivery) != m.Get(event.HeaderDelivery) {
			t.Errorf("it became %+v", l)
		}
	}
}
