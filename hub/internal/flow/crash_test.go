package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if v := os.Getenv("AMTSBOTE_SEED"); v != "" {
		s, _ = strconv.ParseUint(v, 10, 64)
	}
	t.Logf("replay with AMTSBOTE_SEED=%d", s)
	return s
}

// mixed draws events of all kinds over a few keys.
func mixed(r *rand.Rand, n int) []event.Message {
	out := make([]event.Message, n)
	for i := range out {
		key := fmt.Sprintf("k%d", r.IntN(7))
		typ, id, data := hubtest.Ding, fmt.Sprintf("e%d", i), fmt.Sprintf(`{"n":%d,"text":"x"}`, i)
		switch r.IntN(10) {
		case 0:
			data = `{"n":true}`
		case 1:
			typ = hubtest.Niemand
		case 2:
			id = fmt.Sprintf("e%d", r.IntN(i+1)) // a conflict, or a correction
		}
		out[i] = hubtest.Event(id, typ, key, data)
		if r.IntN(12) == 0 {
			odd(r, &out[i])
		}
	}
	return out
}

// odd makes a message that somebody might send to do harm, or by mistake.
func odd(r *rand.Rand, m *event.Message) {
	switch r.IntN(6) {
	case 0: // nats.go takes it for a control message of its own
		m.Header, m.Data = map[string][]string{"Status": {[]string{"404", "409", "100", "503"}[r.IntN(4)]}}, nil
	case 1: // what a direct get would believe
		m.Header["Nats-Sequence"], m.Header["Nats-Subject"], m.Header["Nats-Stream"] = []string{"777"}, []string{"in.beta.x"}, []string{"OUT"}
	case 2: // headers that leave no room for others
		m.Header["X-Large"] = []string{strings.Repeat("x", 65_000)}
	case 3:
		for i := range 5000 {
			m.Header[fmt.Sprintf("X%d", i)] = []string{""}
		}
	case 4:
		m.Header["ce-Max_Mustermann"] = []string{"1", "2"}
	case 5:
		m.Header, m.Data = nil, nil
	}
}

// TestEachOddMessageCostsOnlyItself sends one of each kind, good ones between
// them, and looks at what lies in quarantine.
func TestEachOddMessageCostsOnlyItself(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	r := rand.New(rand.NewPCG(1, 1))
	sent := map[uint64]event.Message{}
	for i := range 60 {
		m := hubtest.Event(fmt.Sprintf("e%d", i), hubtest.Ding, "k", `{"n":1}`)
		if i%2 == 0 {
			odd(r, &m)
		}
		seq, err := b.Publish(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		sent[seq] = m
	}
	until(t, b, newLane(t, b, fed))
	w := look(t, b)
	w.exact(t, 60)
	for seq, d := range w.decisions {
		if seq%2 == 0 && d.Outcome != hub.Routed {
			t.Errorf("the good message %d is %s (%s)", seq, d.Outcome, d.Code)
		}
		if strings.Contains(d.At, "ustermann") || d.Adapter != "" {
			t.Errorf("the sender's text is in the trail: %+v", d)
		}
	}
	err := b.Read(t.Context(), bus.Quarantine, 1, []string{"quarantine.alpha.>"}, func(m *event.Message) error {
		var seq uint64
		if _, err := fmt.Sscan(m.Get(event.HeaderSeq), &seq); err != nil {
			return err
		}
		want := sent[seq]
		if got := original(t, m); !maps.EqualFunc(got.Header, want.Header, slices.Equal) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("message %d does not rest whole: headers %.200v and %d bytes, want %.200v and %d", seq, got.Header, len(got.Data), want.Header, len(want.Data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// original takes a message out of quarantine again.
func original(t *testing.T, m *event.Message) event.Message {
	t.Helper()
	out := event.Message{Header: map[string][]string{}, Data: m.Data}
	if m.Get(event.HeaderEnvelope) == "" {
		for name, values := range m.Header {
			if name, ok := strings.CutPrefix(name, "Original-"); ok {
				out.Header[name] = values
			}
		}
		return out
	}
	var e send.Envelope
	if err := json.Unmarshal(m.Data, &e); err != nil {
		t.Fatal(err)
	}
	for _, h := range e.Header {
		out.Header[string(h.Name)] = append(out.Header[string(h.Name)], string(h.Value))
	}
	out.Data = e.Data
	return out
}

// TestCrashAtEveryStep ends the lane at random points before and after its
// writes, again and again, and starts a new one that knows only what is stored.
func TestCrashAtEveryStep(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	points := map[string]int{}
	for range raced.Rounds(t, 25) {
		publish(t, b, mixed(r, 40)...)
		b.Tight(r.IntN(2) == 0) // all goes in batches, or what is sooner so
		l := newLane(t, b, fed)
		left := r.IntN(9)
		var stop context.CancelFunc
		reached := make(chan struct{})
		ready := make(chan struct{})
		var mu sync.Mutex // a flight comes to its points beside the lane
		l.crash = func(point string) {
			<-ready
			mu.Lock()
			defer mu.Unlock()
			if left--; left == -1 {
				points[point]++
				close(reached)
				stop()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		stop = cancel
		close(ready)
		done := make(chan struct{})
		go func() { defer close(done); _ = l.Run(ctx) }()
		select {
		case <-reached:
		case <-time.After(300 * time.Millisecond): // fewer steps than drawn: it is idle now
		}
		cancel()
		<-done
	}
	until(t, b, newLane(t, b, fed))
	last, err := b.LastSeq(t.Context(), inAlpha)
	if err != nil {
		t.Fatal(err)
	}
	look(t, b).exact(t, last)
	t.Logf("%d events, crashed at %v", last, points)
	if len(points) < 3 {
		t.Errorf("crashed only at %v", points)
	}
}

// TestDecisionsAreNotTakenAnew: the lane dies after recording; meanwhile the
// agreements go, and the sender too. The copies that were decided are made all
// the same.
func TestDecisionsAreNotTakenAnew(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1,"text":"a"}`))
	l := newLane(t, b, fed)
	l.recordsFirst()
	ctx, cancel := context.WithCancel(t.Context())
	writes := 0
	l.crash = func(point string) {
		if point == "after "+bus.Trail {
			if writes++; writes == 2 { // the first is the take-over's
				cancel()
			}
		}
	}
	_ = l.Run(ctx)
	cancel()
	if w := look(t, b); len(w.decisions) != 1 || len(w.copies) != 0 {
		t.Fatalf("the crash left %d decisions and %d copies, want 1 and 0", len(w.decisions), len(w.copies))
	}
	later := newLane(t, b, hubtest.WithoutAgreements(t))
	publish(t, b, hubtest.Event("2", hubtest.Ding, "k", `{"n":2}`))
	until(t, b, later)
	w := look(t, b)
	w.exact(t, 2)
	if len(w.copies) != 2 || w.decisions[2].Code != "APP_UNKNOWN" {
		t.Errorf("%d copies, and the later event is %s; want 2 copies of the first and the second refused", len(w.copies), w.decisions[2].Outcome)
	}
}

// TestTwoOwners lets two instances work the same in stream: the cursor decides,
// nothing is stored twice.
func TestTwoOwners(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 1))
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, mixed(r, 300)...)
	first, second := newLane(t, b, fed), newLane(t, b, fed)
	until(t, b, first, second)
	publish(t, b, mixed(r, 300)...)
	until(t, b, newLane(t, b, fed), newLane(t, b, fed))
	look(t, b).exact(t, 600)
}

// TestZombie: an owner that was cut off between its record and its copies comes
// back after another one has finished its work; its batch is refused.
func TestZombie(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1}`))
	zombie := newLane(t, b, fed)
	zombie.recordsFirst()
	asleep, wake := make(chan struct{}), make(chan struct{})
	woken := false
	zombie.crash = func(point string) {
		if point == "before "+bus.Out && zombie.trail.at.Seq == 1 && !woken {
			woken = true
			close(asleep)
			<-wake
		}
	}
	_, stop := run(t, zombie)
	<-asleep
	until(t, b, newLane(t, b, fed))
	close(wake)
	publish(t, b, hubtest.Event("2", hubtest.Ding, "k", `{"n":2}`))
	until(t, b, newLane(t, b, fed))
	stop()
	look(t, b).exact(t, 2)
}
