package keep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

const first = "IN_alpha-1-beta.one"

// TestInHand: a copy that is being handed out while its time runs out is not
// taken out; when the receiver takes it, it is done, and no receipt says
// otherwise.
func TestInHand(t *testing.T) {
	w := newWorld(t)
	began, finish := make(chan struct{}), make(chan struct{})
	w.begin(script(func(hub.Delivery) error { close(began); <-finish; return nil }))
	w.publish(ding(1, "k"))
	<-began
	w.clock.add(25 * time.Hour)
	k := w.keeper(nil)
	w.run(k)
	if got := w.outcomes()[first]; len(got) > 0 {
		t.Errorf("in hand it ended as %v", got)
	}
	close(finish)
	w.await("the outcome", func() bool { return len(w.outcomes()[first]) == 1 })
	w.run(k)
	if got := w.outcomes()[first]; len(got) != 1 || got[0] != decision.Done {
		t.Errorf("it ended as %v, want done", got)
	}
}

// TestNotHandedOutAfterwards: a copy that waits for its next attempt expires; from
// the record on it is not handed out, though it is still there.
func TestNotHandedOutAfterwards(t *testing.T) {
	w := newWorld(t)
	attempts := make(chan int, 1000)
	w.begin(script(func(d hub.Delivery) error { attempts <- d.Attempt; return errors.New("connection refused") }))
	w.publish(ding(1, "k"))
	<-attempts
	page, err := w.bus.Page(t.Context(), bus.Out, "out.beta.one.>", 0, 1)
	if err != nil || len(page) != 1 {
		t.Fatalf("%d copies: %v", len(page), err)
	}
	w.clock.add(25 * time.Hour)
	recorded, goOn := make(chan struct{}), make(chan struct{})
	reached := sync.OnceFunc(func() { close(recorded); <-goOn })
	k := w.keeper(func(point string) {
		if point == "expired "+bus.Out && w.index.IsDone("beta.one", page[0].Seq) {
			reached()
		}
	})
	ended := make(chan error, 1)
	run := func() { go func() { ended <- k.Once(t.Context()) }() }
	run()
	for got := false; !got; {
		select {
		case <-recorded:
			got = true
		case err := <-ended: // the copy was in hand
			if err != nil {
				t.Fatal(err)
			}
			run()
		}
	}
	for len(attempts) > 0 {
		<-attempts
	}
	w.publish(ding(2, "k")) // the mailbox goes on to the key's next copy, which it can only after the first
	close(goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	w.await("the next copy's attempt", func() bool { return len(attempts) > 0 })
	if n := <-attempts; n != 1 {
		t.Errorf("attempt %d came after the record, want the first of the next copy", n)
	}
	if got := w.outcomes()[first]; len(got) != 1 || got[0] != decision.Expired {
		t.Errorf("it ended as %v, want expired", got)
	}
}

// TestParkedExpires: copies of a parked key expire too, in any order; a key of
// which nothing is left is free.
func TestParkedExpires(t *testing.T) {
	w := newWorld(t)
	down := make(chan struct{})
	sink := script(func(d hub.Delivery) error {
		select {
		case <-down:
			return nil
		default:
		}
		if d.Event.Extensions()["correlationid"] == "bad" {
			return hub.Retryable("no-file", "not yet")
		}
		return nil
	})
	w.begin(sink)
	// Sache never expires, Ding does: the last of the key goes before the first
	w.publish(hubtest.Event("s", hubtest.Sache, "bad", `{"n":1}`), ding(1, "bad"))
	for n := range 10 {
		w.publish(ding(100+n, "good"))
	}
	parked := func() uint64 { return w.messages(bus.Parked, "parked.beta.one.out.*") }
	w.await("the key to be parked", func() bool { return parked() == 2 })
	w.clock.add(25 * time.Hour)
	w.crash(1, "expired "+bus.Parked) // recorded and not gone
	if parked() != 2 {
		t.Fatalf("%d are parked after the crash", parked())
	}
	w.begin(sink) // the mailbox reads what is parked: the last is settled, the first is not
	w.await("the other copy to go", func() bool { w.run(w.keeper(nil)); return parked() == 1 })
	close(down)
	w.await("the release", func() bool { return w.box.Release(t.Context(), keyBad) == nil })
	w.await("the first", func() bool {
		return slices.Equal(w.outcomes()["IN_alpha-1-beta.one"], []decision.Result{decision.Done})
	})
	if got := w.outcomes()["IN_alpha-2-beta.one"]; len(got) != 1 || got[0] != decision.Expired {
		t.Errorf("the second ended as %v", got)
	}
}

// TestEmptiedKeyIsFree: later copies of a key whose parked ones all expired are
// handed out.
func TestEmptiedKeyIsFree(t *testing.T) {
	w := newWorld(t)
	down := make(chan struct{})
	w.begin(script(func(d hub.Delivery) error {
		select {
		case <-down:
			return nil
		default:
		}
		if d.Event.Extensions()["correlationid"] == "bad" {
			return hub.Retryable("no-file", "not yet")
		}
		return nil
	}))
	w.publish(ding(1, "bad"))
	for n := range 10 {
		w.publish(ding(100+n, "good"))
	}
	w.await("the key to be parked", func() bool { return w.messages(bus.Parked, "parked.beta.one.out.*") == 1 })
	close(down)
	w.clock.add(25 * time.Hour)
	w.await("it to expire", func() bool {
		w.run(w.keeper(nil))
		return w.messages(bus.Parked, "parked.beta.one.out.*") == 0
	})
	w.await("the key to be free", func() bool { return w.messages(bus.Parked, "parked.release.>") == 0 })
	w.publish(ding(2, "bad"))
	w.await("the later one", func() bool { return len(w.outcomes()["IN_alpha-12-beta.one"]) == 1 })
	if got := w.outcomes()["IN_alpha-12-beta.one"]; got[0] != decision.Done {
		t.Errorf("the later one ended as %v", got)
	}
}

// TestTakenButNotAcknowledged: of what a receiver of mode nats has taken, only
// what it surely did not acknowledge expires.
func TestTakenButNotAcknowledged(t *testing.T) {
	w := newWorld(t)
	w.begin(nil)
	for n := range 20 {
		w.publish(ding(n, "k"))
	}
	w.carriedOut()
	ctx, cancel := context.WithCancel(t.Context())
	taken := 0
	if err := w.bus.HandOut(ctx, "beta.two", func(c *bus.Copy) { // takes 10, acknowledges every second one
		if taken++; taken > 10 {
			return
		}
		if taken%2 == 0 {
			if err := c.Ack(ctx); err != nil {
				t.Error(err)
			}
		}
		if taken == 10 {
			cancel()
		}
	}); err != nil {
		t.Fatal(err)
	}
	w.clock.add(13 * time.Hour)
	k := w.keeper(nil)
	w.await("all that is open to expire", func() bool { w.run(k); return w.messages(bus.Out, "out.beta.two.>") == 0 })
	out := w.outcomes()
	for n := 1; n <= 20; n++ {
		got, acknowledged := out[fmt.Sprintf("IN_alpha-%d-beta.two", n)], n <= 10 && n%2 == 0
		if acknowledged && len(got) > 0 || !acknowledged && (len(got) != 1 || got[0] != decision.Expired) {
			t.Errorf("%d ended as %v; acknowledged: %v", n, got, acknowledged)
		}
	}
	if n := w.messages(bus.Out, "out.alpha.post.de.amtsbote.ereignis-verfallen.v1"); n != 15 {
		t.Errorf("%d receipts, want 15", n)
	}
}
