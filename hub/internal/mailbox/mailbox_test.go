package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// receiver is a sink that follows a script.
type receiver struct {
	mu     sync.Mutex
	got    []hub.Delivery
	script func(hub.Delivery) error
	more   chan struct{}
}

func (r *receiver) Deliver(_ context.Context, d hub.Delivery) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, d)
	select {
	case r.more <- struct{}{}:
	default:
	}
	if r.script == nil {
		return nil
	}
	return r.script(d)
}

func (r *receiver) deliveries() []hub.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hub.Delivery(nil), r.got...)
}

// start runs a mailbox for beta.one; stop ends it as a crash would.
func start(t *testing.T, b *bus.Bus, r *receiver) (x *index.Index, outcomes chan *decision.Delivery, stop func()) {
	t.Helper()
	m, outcomes, stop := startMailbox(t, b, r, nil)
	return m.Index, outcomes, stop
}

func startMailbox(t *testing.T, b *bus.Bus, r *receiver, change func(*Mailbox, context.CancelFunc)) (m *Mailbox, outcomes chan *decision.Delivery, stop func()) {
	t.Helper()
	r.more = make(chan struct{}, 1)
	x := index.New()
	if err := b.Read(t.Context(), bus.Trail, 1, nil, x.Apply); err != nil {
		t.Fatal(err)
	}
	blobs, err := b.EnsureBlobs(t.Context(), hubtest.Layout.Blobs, 1)
	if err != nil {
		t.Fatal(err)
	}
	outcomes = make(chan *decision.Delivery, 10_000)
	rec := NewRecorder(b, x, func(d *decision.Delivery) { outcomes <- d }, zap.NewNop())
	m = &Mailbox{Application: "beta.one", Sink: r, Bus: b, Blobs: blobs, Index: x, Recorder: rec, Log: zap.NewNop()}
	ctx, cancel := context.WithCancel(t.Context())
	if change != nil {
		change(m, cancel)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = rec.Run(ctx) })
	wg.Go(func() { _ = m.Run(ctx) })
	return m, outcomes, func() { cancel(); wg.Wait() }
}

// put stores a copy for beta.one in OUT.
func put(t *testing.T, b *bus.Bus, n int, key, data string) {
	t.Helper()
	if _, err := b.Publish(t.Context(), copyFor(n, key, data)); err != nil {
		t.Fatal(err)
	}
}

func copyFor(n int, key, data string) event.Message {
	m := hubtest.Event(fmt.Sprintf("e%d", n), hubtest.Ding, key, data)
	m.Subject = "out.beta.one." + hubtest.Ding
	m.Header[event.HeaderDelivery] = []string{fmt.Sprintf("IN_alpha-%d-beta.one", n)}
	m.Header[event.HeaderAgreement] = []string{"ding-eins"}
	return m
}

func wait(t *testing.T, outcomes chan *decision.Delivery, n int) map[string]*decision.Delivery {
	t.Helper()
	got := map[string]*decision.Delivery{}
	deadline := time.After(hubtest.Patience)
	for len(got) < n {
		select {
		case d := <-outcomes:
			if got[d.ID] != nil {
				t.Errorf("two outcomes of %s", d.ID)
			}
			got[d.ID] = d
		case <-deadline:
			t.Fatalf("%d of %d outcomes", len(got), n)
		}
	}
	return got
}

// TestRetryHoldsBackOnlyItsKey: the first copy of one key fails twice; its
// followers wait, the other keys do not.
func TestRetryHoldsBackOnlyItsKey(t *testing.T) {
	b := hubtest.Bus(t)
	failed := 0
	r := &receiver{script: func(d hub.Delivery) error {
		if d.Event.ID() == "e0" && failed < 2 {
			failed++
			return errors.New("connection reset")
		}
		return nil
	}}
	for n := range 12 {
		put(t, b, n, fmt.Sprintf("k%d", n%3), `{"n":1}`)
	}
	_, outcomes, stop := start(t, b, r)
	defer stop()
	done := wait(t, outcomes, 12)
	if a := done["e0"].Attempt; a != 3 {
		t.Errorf("e0 was done at attempt %d, want 3", a)
	}
	last := map[string]int{}
	place := map[string]int{}
	for i, d := range r.deliveries() {
		var n int
		if _, err := fmt.Sscanf(d.Event.ID(), "e%d", &n); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("k%d", n%3)
		if n < last[key] {
			t.Errorf("%s: e%d came after e%d", key, n, last[key])
		}
		last[key] = n
		place[d.Event.ID()] = i
	}
	if place["e10"] > place["e3"] { // k1's last before k0's second
		t.Error("a key waited for another one's retry")
	}
}

// TestRefusedCopyRestsWhole: a permanent fault ends the copy in quarantine,
// once, whole, with the fault's code.
func TestRefusedCopyRestsWhole(t *testing.T) {
	b := hubtest.Bus(t)
	r := &receiver{script: func(d hub.Delivery) error {
		switch d.Event.ID() {
		case "e0":
			return fmt.Errorf("write: %w", hub.Permanent("unmappable", "no such message"))
		case "e1":
			panic("a sink with a fault")
		}
		return nil
	}}
	for n := range 3 {
		put(t, b, n, "k", `{"n":1}`)
	}
	_, outcomes, stop := start(t, b, r)
	defer stop()
	done := wait(t, outcomes, 3)
	for id, code := range map[string]string{"e0": "unmappable", "e1": "sink-panic", "e2": ""} {
		if d := done[id]; d.Code != code || (d.Result == decision.Refused) != (code != "") {
			t.Errorf("%s ended %s %q, want code %q", id, d.Result, d.Code, code)
		}
	}
	var resting []string
	err := b.Read(t.Context(), bus.Quarantine, 1, []string{"quarantine.beta.one.>"}, func(m *event.Message) error {
		resting = append(resting, m.Get("Original-ce-id")+" "+m.Get(event.HeaderKeyword)+" "+string(m.Data))
		if id := m.Get("ce-id"); id != m.Get("Original-ce-id") {
			t.Errorf("it is found by the id %q, want %q", id, m.Get("Original-ce-id"))
		}
		return nil
	})
	if want := `e0 unmappable {"n":1},e1 sink-panic {"n":1}`; err != nil || strings.Join(resting, ",") != want {
		t.Errorf("in quarantine lie %q (%v), want %q", resting, err, want)
	}
}

// TestRestart: what is recorded as done is not handed over again, though its
// acknowledgement was lost; what was in hand comes again, in order.
func TestRestart(t *testing.T) {
	b := hubtest.Bus(t)
	for n := range 6 {
		put(t, b, n, "k", `{"n":1}`)
	}
	blocked := &receiver{script: func(d hub.Delivery) error {
		if d.Event.ID() == "e3" {
			return errors.New("connection reset")
		}
		return nil
	}}
	_, outcomes, stop := start(t, b, blocked)
	wait(t, outcomes, 3)
	for len(blocked.deliveries()) < 4 {
		<-blocked.more
	}
	stop()
	// the acknowledgement of the first three is forgotten, as JetStream forgets
	// those of the last 200 ms in a crash
	forget(t, b)

	r := &receiver{}
	_, outcomes, stop = start(t, b, r)
	defer stop()
	wait(t, outcomes, 3)
	var ids []string
	for _, d := range r.deliveries() {
		ids = append(ids, d.Event.ID())
	}
	if got := strings.Join(ids, " "); got != "e3 e4 e5" {
		t.Errorf("after the restart came %s, want e3 e4 e5", got)
	}
}

// TestRestartIsMarked: what was handed out before a restart comes as a further attempt,
// what was not as the first.
func TestRestartIsMarked(t *testing.T) {
	b := hubtest.Bus(t)
	put(t, b, 0, "k", `{"n":1}`)
	r := &receiver{script: func(hub.Delivery) error { return errors.New("connection reset") }}
	_, _, crash := start(t, b, r)
	<-r.more
	crash()
	_, outcomes, stop := start(t, b, &receiver{})
	defer stop()
	if a := wait(t, outcomes, 1)["e0"].Attempt; a != 2 {
		t.Errorf("attempt %d, want 2", a)
	}
	for n := 1; n <= 5; n++ { // what the hub before had asked for may still take the first of them
		put(t, b, n, "new", `{"n":1}`)
		if wait(t, outcomes, 1)[fmt.Sprintf("e%d", n)].Attempt == 1 {
			return
		}
	}
	t.Error("what is new is marked, too")
}

func forget(t *testing.T, b *bus.Bus) {
	t.Helper()
	if err := b.RewindMailbox(t.Context(), "beta.one", 1); err != nil {
		t.Fatal(err)
	}
}

// TestBlobsOfTheEventOnly: a sink opens the blobs that its event names, and no
// others.
func TestBlobsOfTheEventOnly(t *testing.T) {
	b := hubtest.Bus(t)
	blobs, err := b.EnsureBlobs(t.Context(), hubtest.Layout.Blobs, 1)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := blobs.Put(t.Context(), strings.NewReader("mine"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := blobs.Put(t.Context(), strings.NewReader("other"))
	if err != nil {
		t.Fatal(err)
	}
	var read string
	var refused error
	r := &receiver{}
	r.script = func(d hub.Delivery) error {
		f, err := d.Blobs.Open(t.Context(), mine.Ref)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		content, err := io.ReadAll(f)
		read = string(content)
		_, refused = d.Blobs.Open(t.Context(), other.Ref)
		return err
	}
	put(t, b, 1, "k", fmt.Sprintf(`{"n":1,"text":%q}`, mine.Ref))
	_, outcomes, stop := start(t, b, r)
	defer stop()
	wait(t, outcomes, 1)
	if read != "mine" || refused == nil {
		t.Errorf("read %q, and another event's blob gave %v", read, refused)
	}
}
