package mailbox

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestTurnstile: copies go through by their sequence, as many as are let; one that
// was not needed is left to another.
func TestTurnstile(t *testing.T) {
	var ts Turnstile
	third, first, second := ts.ask(3), ts.ask(1), ts.ask(2)
	granted := func(x *turn) bool {
		select {
		case <-x.granted:
			return true
		default:
			return false
		}
	}
	if granted(first) || granted(second) || granted(third) {
		t.Error("through although closed")
	}
	ts.Add(1)
	if !granted(first) || granted(second) {
		t.Error("the first is not through alone")
	}
	second.leave() // while it waits
	first.leave()  // without having been used
	if !granted(third) || ts.Free() != 0 {
		t.Errorf("the turn was not passed on: %d free", ts.Free())
	}
	third.spend()
	third.leave()
	if ts.Free() != 0 {
		t.Error("a spent turn came back")
	}
	ts.Set(Unlimited)
	if open := ts.ask(9); !granted(open) || ts.Free() != Unlimited {
		t.Error("not open")
	}
	ts.Set(2)
	ts.Add(-5)
	if ts.Free() != 0 {
		t.Errorf("%d free", ts.Free())
	}
}

// TestWaitingIsNoAttempt: copies that wait at a turnstile, and those whose sink
// says later, are delivered at their first attempt, one a key, in order; a copy
// that ends meanwhile does not come.
func TestWaitingIsNoAttempt(t *testing.T) {
	b := hubtest.Bus(t)
	later := 3
	r := &receiver{}
	r.script = func(hub.Delivery) error {
		if later--; later >= 0 {
			return &hub.Fault{Code: "not-now", Later: true}
		}
		return nil
	}
	for n := range 6 {
		put(t, b, n, []string{"a", "b"}[n%2], `{"n":1}`)
	}
	var turns Turnstile
	confirmed := make(chan string, 10)
	m, outcomes, stop := startMailbox(t, b, r, func(m *Mailbox, _ context.CancelFunc) {
		m.Turns, m.Concurrent, m.Hands = &turns, 100, NewHands()
		m.Confirmed = func(id string) { confirmed <- id }
	})
	defer stop()
	for turns.queued() < 2 { // the first of each key
		runtime.Gosched()
	}
	// the first of b ends by other hands: it expires
	free, ok := m.Hands.TryTake("beta.one", 2)
	if !ok {
		t.Fatal("a waiting copy is in hand")
	}
	if err := m.Recorder.Record(t.Context(), &decision.Delivery{Mailbox: "beta.one", Out: 2, In: "IN_alpha", Seq: 1, ID: "e1", Result: decision.Expired}); err != nil {
		t.Fatal(err)
	}
	free()
	turns.Set(Unlimited)
	for id, d := range wait(t, outcomes, 6) {
		if d.Attempt != 1 && d.Result == decision.Done {
			t.Errorf("%s was done at attempt %d", id, d.Attempt)
		}
	}
	order := map[string]string{}
	for _, d := range r.deliveries() {
		if d.Event.ID() == "e1" {
			t.Error("a copy that has expired was delivered")
		}
		key := fmt.Sprint(d.Event.Extensions()["correlationid"])
		if order[key] > d.Event.ID() {
			t.Errorf("%s came after %s", d.Event.ID(), order[key])
		}
		order[key] = d.Event.ID()
	}
	if len(r.deliveries()) != 5+3 {
		t.Errorf("%d calls", len(r.deliveries()))
	}
	if id := <-confirmed; id == "" {
		t.Error("a delivery without id")
	}
}

// queued tells how many wait.
func (t *Turnstile) queued() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// TestPutOffIsNotDone: a copy that was put off before its first attempt stays, also
// when something else wakes its key.
func TestPutOffIsNotDone(t *testing.T) {
	b := hubtest.Bus(t)
	r, calls := &receiver{}, make(chan struct{}, 10)
	r.script = func(hub.Delivery) error {
		calls <- struct{}{}
		if len(r.got) == 1 {
			return &hub.Fault{Code: "not-now", Later: true, After: 300 * time.Millisecond}
		}
		return nil
	}
	put(t, b, 0, "a", `{"n":1}`)
	_, outcomes, stop := start(t, b, r)
	defer stop()
	<-calls
	put(t, b, 1, "a", `{"n":1}`) // wakes the key
	wait(t, outcomes, 2)
	var ids []string
	for _, d := range r.deliveries() {
		ids = append(ids, d.Event.ID())
	}
	if got := strings.Join(ids, " "); got != "e0 e0 e1" {
		t.Errorf("delivered %s", got)
	}
}
