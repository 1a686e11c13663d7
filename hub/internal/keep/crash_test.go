package keep

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

var keyBad = event.KeyToken("bad")

// crash runs keepers until one has reached a point n times, and ends the whole
// process there.
func (w *world) crash(n int, at string) (reached bool) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	k := w.keeper(func(point string) {
		if at == "" || point == at {
			if n--; n == 0 {
				reached = true
				cancel()
			}
		}
	})
	for i := 0; i < 20 && !reached; i++ {
		_ = k.Once(ctx)
		if at == "" {
			break
		}
	}
	if reached {
		w.end()
	}
	return reached
}

// moody is a receiver that fails now and then and remembers what it took.
type moody struct {
	mu   sync.Mutex
	r    *rand.Rand
	took map[string]int
	well bool
}

func (m *moody) Deliver(_ context.Context, d hub.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.well && (d.Event.Extensions()["correlationid"] == "bad" || m.r.IntN(4) == 0) {
		return hub.Retryable("moody", "not now")
	}
	m.took[d.ID]++
	return nil
}

// TestCrashAtEveryStep: under random load, with the clock moving and the process
// ending at any step of a run, every event has its outcome, every copy ends once,
// nothing undelivered goes but what expired, and each expiry is told once. In the
// end nothing is left.
func TestCrashAtEveryStep(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("AMTSBOTE_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("replay with AMTSBOTE_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t, confirming)
	sink := &moody{r: rand.New(rand.NewPCG(seed, 1)), took: map[string]int{}}
	sent, taken, crashes := 0, map[string]int{}, 0
	for range raced.Rounds(t, 10) {
		w.begin(sink)
		w.run(w.keeper(nil)) // as at every start: a copy recorded as expired must not lie for a client of mode nats
		for range 20 + r.IntN(20) {
			w.publish(random(r, sent))
			sent++
		}
		if r.IntN(2) == 0 {
			w.carriedOut()
		}
		if n := int(w.messages(bus.Out, "out.beta.two.>")); n > 0 && r.IntN(2) == 0 {
			w.takeSome(taken, r.IntN(n))
		}
		w.clock.add(time.Duration(r.IntN(30)) * time.Hour)
		if w.crash(1+r.IntN(15), "") {
			crashes++
		}
	}
	sink.mu.Lock()
	sink.well = true
	sink.mu.Unlock()
	w.begin(sink)
	w.run(w.keeper(nil))
	w.carriedOut()
	w.takeSome(taken, int(w.messages(bus.Out, "out.beta.two.>")))
	w.clock.add(40 * 24 * time.Hour)
	k := w.keeper(nil)
	w.await("everything to go", func() bool {
		for _, key := range keys {
			_ = w.box.Release(t.Context(), event.KeyToken(key))
		}
		w.run(k)
		return w.messages(inAlpha, ">")+w.messages(bus.Out, "out.beta.>")+w.messages(bus.Parked, "parked.*.*.out.*") == 0
	})
	w.run(k) // tells of what was taken last
	t.Logf("%d events, %d crashes", sent, crashes)
	w.judge(sink, sent, taken)
}

var keys = []string{"a", "b", "bad", "c"}

func random(r *rand.Rand, n int) event.Message {
	key := keys[r.IntN(4)]
	switch r.IntN(8) {
	case 0:
		return hubtest.Event(fmt.Sprintf("e%d", n), hubtest.Niemand, key, `{"n":1}`)
	case 1:
		return ding(r.IntN(n+1), key) // a duplicate or a conflict
	case 2, 3:
		return hubtest.Event(fmt.Sprintf("e%d", n), hubtest.Sache, key, fmt.Sprintf(`{"n":%d}`, n))
	}
	return ding(n, key)
}

// takeSome has the receiver of mode nats take up to n copies, and counts them.
func (w *world) takeSome(taken map[string]int, n int) {
	w.t.Helper()
	at, err := w.bus.Mailbox(w.t.Context(), "beta.two")
	if err != nil {
		w.t.Fatal(err)
	}
	page, err := w.bus.Page(w.t.Context(), bus.Out, "out.beta.two.>", at.Floor, n)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, id := range w.take("beta.two", len(page)) {
		taken[id]++
	}
}

// judge compares what the trail says with what the receivers have.
func (w *world) judge(sink *moody, sent int, taken map[string]int) {
	w.t.Helper()
	ds, out := w.decisions(), w.outcomes()
	told, handed := 0, 0
	for seq := range sent {
		d := ds[uint64(seq+1)]
		if d == nil {
			w.t.Fatalf("%d has no decision", seq+1)
		}
		for _, to := range d.Receivers {
			id := fmt.Sprintf("%s-%d-%s", d.In, d.Seq, to.Application)
			got, has := out[id], sink.took[id]
			if len(got) > 0 && got[0] == decision.Expired {
				told++
			}
			if len(got) > 0 && got[0] == decision.Done && to.Confirm {
				handed++
			}
			switch {
			case to.Application == "beta.two":
				if len(got)+taken[id] != 1 || len(got) == 1 && got[0] != decision.Expired {
					w.t.Errorf("%s ended as %v and was taken %d times", id, got, taken[id])
				}
			case len(got) == 0:
				w.t.Errorf("%s has no end and is gone; taken %d times", id, has)
			case got[0] == decision.Expired && (len(got) > 1 || to.Expires.IsZero()):
				w.t.Errorf("%s ended as %v, expiring %v, taken %d times", id, got, to.Expires, has)
			case got[0] == decision.Done && has == 0:
				w.t.Errorf("%s is done and was never taken", id)
			}
		}
	}
	if n := w.messages(bus.Out, "out.alpha.post.de.amtsbote.ereignis-verfallen.v1"); n != uint64(told) {
		w.t.Errorf("%d expiries are told, %d expired", n, told)
	}
	if n := w.messages(bus.Out, "out.alpha.post.de.amtsbote.ereignis-zugestellt.v1"); n != uint64(handed) || handed == 0 {
		w.t.Errorf("%d deliveries are told, %d were to be", n, handed)
	}
	w.t.Logf("%d copies expired, %d were taken by beta.one, %d by beta.two", told, len(sink.took), len(taken))
}
