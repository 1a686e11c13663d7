package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// impatient parks at the second failure.
func impatient(m *Mailbox, _ context.CancelFunc) {
	m.Budget = settle.Budget{Attempts: 2, Time: time.Millisecond}
}

// failing is a receiver that cannot take the copies of the key "bad" while down
// is set.
func failing(down *atomic.Bool) *receiver {
	return &receiver{script: func(d hub.Delivery) error {
		if down.Load() && d.Event.Extensions()["correlationid"] == "bad" {
			return hub.Retryable("no-file", "the case has no file yet")
		}
		return nil
	}}
}

var (
	bad       = event.KeyToken("bad")
	badParked = decision.ParkedKey{Application: "beta.one", Direction: decision.Out, Token: bad}
)

// fill stores copies n from..to-1 for beta.one, those that isBad tells of the
// key "bad", the others of 50 keys.
func fill(t *testing.T, b *bus.Bus, from, to int, isBad func(int) bool) {
	t.Helper()
	var msgs []event.Message
	for n := from; n < to; n++ {
		key := fmt.Sprintf("k%d", n%50)
		if isBad(n) {
			key = "bad"
		}
		if msgs = append(msgs, copyFor(n, key, `{"n":1}`)); len(msgs) == 500 || n == to-1 {
			if _, err := b.AppendUnguarded(t.Context(), msgs); err != nil {
				t.Fatal(err)
			}
			msgs = nil
		}
	}
}

// fillBehindAFailure stores copies 0..to-1 for beta.one, all but the first only
// once that, of the key "bad", has been noted to fail: it was tried again. When no
// other key gets through after that, the receiver may be down as a whole, and
// nothing is parked: a test that stores them at once waits in vain if the others
// are faster.
func fillBehindAFailure(t *testing.T, b *bus.Bus, r *receiver, to int, isBad func(int) bool) {
	t.Helper()
	fill(t, b, 0, 1, isBad)
	waitFor(t, "a failure", func() bool { return len(numbers(t, r)) >= 2 })
	fill(t, b, 1, to, isBad)
}

// collect waits until n outcomes with this result were recorded.
func collect(t *testing.T, outcomes chan *decision.Delivery, result decision.Result, n int) (got []*decision.Delivery) {
	t.Helper()
	deadline := time.After(hubtest.Patience)
	for len(got) < n {
		select {
		case d := <-outcomes:
			if d.Result == result {
				got = append(got, d)
			}
		case <-deadline:
			t.Fatalf("%d of %d outcomes %s", len(got), n, result)
		}
	}
	return got
}

// lying lists the header of what lies at a subject of a stream, in order.
func lying(t *testing.T, b *bus.Bus, stream, subject, header string) (values []string) {
	t.Helper()
	page, err := b.Page(t.Context(), stream, subject, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page {
		values = append(values, m.Get(header))
	}
	return values
}

// numbers gives the events of the key "bad" that a receiver was given, in
// order.
func numbers(t *testing.T, r *receiver) (ns []int) {
	t.Helper()
	for _, d := range r.deliveries() {
		if d.Event.Extensions()["correlationid"] == "bad" {
			n, err := strconv.Atoi(strings.TrimPrefix(d.Event.ID(), "e"))
			if err != nil {
				t.Fatal(err)
			}
			ns = append(ns, n)
		}
	}
	return ns
}

// TestABadKeyIsParked: a key that fails is parked after its budget, more copies
// of it than the mailbox has places; 2 000 of other keys flow, over a restart.
// Released, its copies come in order, before newer ones, each once.
func TestABadKeyIsParked(t *testing.T) {
	b := hubtest.Bus(t)
	var down atomic.Bool
	down.Store(true)
	isBad := func(n int) bool { return n%6 == 0 }
	fill(t, b, 0, 2400, isBad) // 400 of them bad, the mailbox has 256 places
	_, outcomes, stop := startMailbox(t, b, failing(&down), impatient)
	first := collect(t, outcomes, decision.Parked, 100)
	stop()
	if first[0].Code != "no-file" || first[1].Code != decision.CodeBehind {
		t.Errorf("parked as %q and %q, want the fault's code and %q", first[0].Code, first[1].Code, decision.CodeBehind)
	}

	r := failing(&down)
	m, outcomes, stop := startMailbox(t, b, r, impatient)
	defer stop()
	waitFor(t, "all others to be done", func() bool {
		done := 0
		for n := range 2400 {
			if !isBad(n) && m.Index.IsDone("beta.one", uint64(n+1)) {
				done++
			}
		}
		return done == 2000
	})
	waitFor(t, "all bad ones to be parked", func() bool {
		return len(lying(t, b, bus.Parked, badParked.Subject(), event.HeaderOut)) == 400
	})
	if ns := numbers(t, r); len(ns) > 0 {
		t.Errorf("after the restart the parked key was tried again: %v", ns)
	}

	fill(t, b, 3000, 3010, func(int) bool { return true })
	down.Store(false)
	if err := m.Release(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	fill(t, b, 3010, 3020, func(int) bool { return true })
	waitFor(t, "the key to be free", func() bool { return m.Release(t.Context(), bad) != nil })
	collectUntil(t, outcomes, "e3019")
	ns := numbers(t, r)
	if len(ns) != 420 || !slices.IsSorted(ns) {
		t.Errorf("%d copies came, want 420 in order: %v", len(ns), ns)
	}
	if left := lying(t, b, bus.Parked, "parked.>", event.HeaderOut); len(left) != 0 { // nor is the release marked
		t.Errorf("still parked: %v", left)
	}
}

func collectUntil(t *testing.T, outcomes chan *decision.Delivery, id string) {
	t.Helper()
	deadline := time.After(hubtest.Patience)
	for {
		select {
		case d := <-outcomes:
			if d.ID == id && d.Result == decision.Done {
				return
			}
		case <-deadline:
			t.Fatalf("%s was not done", id)
		}
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(hubtest.Patience)
	for !ok() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited for %s", what)
		}
	}
}

// TestAReceiverThatIsDownParksNothing: when no key gets through, the mailbox
// fills and nothing moves.
func TestAReceiverThatIsDownParksNothing(t *testing.T) {
	b := hubtest.Bus(t)
	r := &receiver{script: func(hub.Delivery) error { return errors.New("connection refused") }}
	fill(t, b, 0, 600, func(n int) bool { return n < 300 || n%2 == 0 })
	_, outcomes, stop := startMailbox(t, b, r, impatient)
	waitFor(t, "attempts beyond the hand", func() bool { return len(r.deliveries()) >= 6 }) // one for each of three tries
	stop()
	if len(outcomes) > 0 || len(lying(t, b, bus.Parked, "parked.>", event.HeaderOut)) > 0 {
		t.Error("a receiver that is down as a whole had keys parked")
	}
}

// TestAKeyThatFillsTheHand is parked before its budget ends, though no other key
// is in hand to show that the receiver is well.
func TestAKeyThatFillsTheHand(t *testing.T) {
	b := hubtest.Bus(t)
	var down atomic.Bool
	down.Store(true)
	r := failing(&down)
	fill(t, b, 0, 350, func(n int) bool { return n < 300 }) // 256 places
	m, outcomes, stop := startMailbox(t, b, r, func(m *Mailbox, _ context.CancelFunc) {
		m.Budget = settle.Budget{Attempts: 1000, Time: time.Hour, Crowded: 2}
	})
	defer stop()
	collect(t, outcomes, decision.Parked, 300)
	waitFor(t, "the others", func() bool {
		for n := 300; n < 350; n++ {
			if !m.Index.IsDone("beta.one", uint64(n+1)) {
				return false
			}
		}
		return true
	})
	if n := len(r.deliveries()) - len(numbers(t, r)); n != 50 {
		t.Errorf("the 50 others were handed out %d times", n)
	}
}

// TestReturn: parked copies go to quarantine whole, as RETURNED, and the key is
// free.
func TestReturn(t *testing.T) {
	b := hubtest.Bus(t)
	var down atomic.Bool
	down.Store(true)
	r := failing(&down)
	m, outcomes, stop := startMailbox(t, b, r, impatient)
	defer stop()
	fillBehindAFailure(t, b, r, 20, func(n int) bool { return n < 5 })
	collect(t, outcomes, decision.Parked, 5)
	if n, err := m.Return(t.Context(), bad); n != 5 || err != nil {
		t.Fatalf("Return = %d, %v; want 5", n, err)
	}
	for _, d := range collect(t, outcomes, decision.Refused, 5) {
		if d.Code != decision.CodeReturned {
			t.Errorf("%s ended as %s", d.ID, d.Code)
		}
	}
	if ids := lying(t, b, bus.Quarantine, "quarantine.beta.one.returned.*", "Original-ce-id"); strings.Join(ids, " ") != "e0 e1 e2 e3 e4" {
		t.Errorf("in quarantine lie %v", ids)
	}
	if _, err := m.Return(t.Context(), bad); !errors.Is(err, parked.ErrNotParked) {
		t.Errorf("returning a free key: %v", err)
	}
	down.Store(false)
	fill(t, b, 20, 21, func(int) bool { return true })
	collectUntil(t, outcomes, "e20")
}

// TestAReleaseThatStillFails parks the key again, in order.
func TestAReleaseThatStillFails(t *testing.T) {
	b := hubtest.Bus(t)
	var down atomic.Bool
	down.Store(true)
	r := failing(&down)
	m, outcomes, stop := startMailbox(t, b, r, impatient)
	defer stop()
	fillBehindAFailure(t, b, r, 20, func(n int) bool { return n < 5 })
	collect(t, outcomes, decision.Parked, 5)
	failures := len(numbers(t, r))
	if err := m.Release(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	// a second failure: the first one is noted, and the others get through after it
	waitFor(t, "the first to fail again", func() bool { return len(numbers(t, r)) > failures+1 })
	fill(t, b, 20, 40, func(n int) bool { return n == 30 })
	if d := collect(t, outcomes, decision.Parked, 2); !slices.ContainsFunc(d, func(d *decision.Delivery) bool { return d.ID == "e0" && d.Code == "no-file" }) {
		t.Errorf("not parked again: %+v", d)
	}
	down.Store(false)
	if err := m.Release(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	collectUntil(t, outcomes, "e30")
	if ns := slices.Compact(numbers(t, r)); fmt.Sprint(ns) != "[0 1 2 3 4 30]" {
		t.Errorf("came %v", ns)
	}
}
