package intake

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// listening is a source that hears what becomes of its events.
type listening struct {
	mu      sync.Mutex
	stored  []string
	settled []hub.Settlement
	fail    int // Settled fails so often
	told    chan struct{}
}

func (s *listening) Run(ctx context.Context, _ hub.Intake) error { <-ctx.Done(); return nil }

func (s *listening) Stored(_ context.Context, ref hub.EventRef) error {
	s.stored = append(s.stored, ref.ID)
	return nil
}

func (s *listening) Settled(_ context.Context, m hub.Settlement) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return errors.New("not now")
	}
	s.settled = append(s.settled, m)
	s.told <- struct{}{}
	return nil
}

func newIntake(t *testing.T, b *bus.Bus, source hub.Source) *Intake {
	t.Helper()
	fed := hubtest.Federation(t)
	app, _ := fed.Application("alpha.app")
	store, err := b.EnsureStore(t.Context(), hubtest.Layout.State, 1)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := b.EnsureBlobs(t.Context(), hubtest.Layout.Blobs, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &Intake{
		Adapter: "test", Application: app, Source: source, Federation: func() *federation.Federation { return fed }, Bus: b, Store: store, BlobStore: blobs, Log: zap.NewNop(),
	}
}

func newEvent(id, data string) hub.Event {
	e := hub.Event{}
	e.SetSpecVersion("1.0")
	e.SetID(id)
	e.SetSource(hubtest.Source)
	e.SetType(hubtest.Ding)
	e.SetExtension("correlationid", "Fall ü")
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(data)
	return e
}

func TestPublishKeepsTheBytes(t *testing.T) {
	b := hubtest.Bus(t)
	source := &listening{}
	in := newIntake(t, b, source)
	data := `{ "text":"Straße 1", "n":12.50 }`
	if err := in.Publish(t.Context(), newEvent("1", data)); err != nil {
		t.Fatal(err)
	}
	m, err := b.Last(t.Context(), "EDGE_alpha", "edge.alpha.app."+hubtest.Ding)
	if err != nil || m == nil {
		t.Fatalf("nothing is stored: %v", err)
	}
	if string(m.Data) != data {
		t.Errorf("stored %s, want the bytes as they were", m.Data)
	}
	if m.Get("ce-correlationid") != "Fall%20%C3%BC" || m.Get(event.HeaderAdapter) != "test" || m.Get("ce-time") == "" {
		t.Errorf("stored headers %v", m.Header)
	}
	if !slices.Equal(source.stored, []string{"1"}) {
		t.Errorf("Stored was called with %v", source.stored)
	}
}

func TestPublishRefuses(t *testing.T) {
	b := hubtest.Bus(t)
	in := newIntake(t, b, &listening{})
	for name, spoil := range map[string]func(*hub.Event){
		"no id":                 func(e *hub.Event) { *e = newEvent("", `{}`) },
		"a source of others":    func(e *hub.Event) { e.SetSource("urn:test:beta") },
		"no type name":          func(e *hub.Event) { e.SetType("de.Test.>") },
		"no JSON":               func(e *hub.Event) { e.DataEncoded = []byte(`{"n":`) },
		"a number that crashes": func(e *hub.Event) { e.DataEncoded = []byte(`{"n":1e10000000}`) },
		"too large":             func(e *hub.Event) { e.DataEncoded = []byte(`{"text":"` + strings.Repeat("x", 1<<20) + `"}`) },
		"nothing":               func(e *hub.Event) { *e = hub.Event{} },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEvent("1", `{"n":1}`)
			spoil(&e)
			err := in.Publish(t.Context(), e)
			if f := hub.FaultOf(err); f == nil || !f.Permanent {
				t.Errorf("Publish gave %v, want a permanent fault", err)
			}
		})
	}
	if n, _ := b.LastSeq(t.Context(), "EDGE_alpha"); n != 0 {
		t.Errorf("%d refused events were stored", n)
	}
}

func TestStateIsTheAdaptersOwn(t *testing.T) {
	b := hubtest.Bus(t)
	in := newIntake(t, b, &listening{})
	other := newIntake(t, b, &listening{})
	other.Adapter = "other"
	if err := in.State().Put(t.Context(), "cursor", []byte("7")); err != nil {
		t.Fatal(err)
	}
	if v, err := in.State().Get(t.Context(), "cursor"); string(v) != "7" || err != nil {
		t.Errorf("got %q, %v", v, err)
	}
	if v, _ := other.State().Get(t.Context(), "cursor"); v != nil {
		t.Errorf("another adapter reads %q", v)
	}
	for _, key := range []string{"", ".x", "x.", "a b", "a/b", "ä", strings.Repeat("x", 129), "*", ">"} {
		if err := in.State().Put(t.Context(), key, nil); err == nil {
			t.Errorf("key %q was taken", key)
		}
	}
}

// TestSettledByWhoTakesItself: where the hub hears what receivers of mode nats say,
// the event is settled when they have said it; where it does not, nobody waits.
func TestSettledByWhoTakesItself(t *testing.T) {
	for _, heard := range []bool{true, false} {
		b := hubtest.Bus(t)
		d, err := trail.Decisions([]*decision.Decision{{
			In: "EDGE_alpha", Seq: 1, Adapter: "test", ID: "e", Source: "s", Outcome: hub.Routed,
			Receivers: []decision.Receiver{{Application: "beta.one"}, {Application: "beta.two"}},
		}})
		if err == nil {
			_, err = b.AppendUnguarded(t.Context(), d)
		}
		for _, mailbox := range []string{"beta.one", "beta.two"} {
			var m event.Message
			if err == nil && heard {
				if m, err = trail.Delivery(&decision.Delivery{In: "EDGE_alpha", Seq: 1, Mailbox: mailbox, Result: decision.Done, ID: "e"}); err == nil {
					_, err = b.AppendUnguarded(t.Context(), []event.Message{m})
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		source := &listening{told: make(chan struct{}, 10)}
		in := newIntake(t, b, source)
		in.AcksHeard = heard
		want := map[bool]int{true: 2, false: 0}[heard]
		if got := hear(t, in, source, 1); got[0].Copies != 2 || got[0].Done != want {
			t.Errorf("heard %v: settled as %+v", heard, got[0])
		}
	}
}

// TestSettledAcrossRestart: the source hears of every event's end at least
// once, also when it ends while the hub is down, and of open ones not yet.
func TestSettledAcrossRestart(t *testing.T) {
	b := hubtest.Bus(t)
	record := func(outcome hub.Outcome, seq uint64, receivers ...string) {
		t.Helper()
		d := &decision.Decision{In: "EDGE_alpha", Seq: seq, Adapter: "test", ID: "e", Source: "s", Outcome: outcome}
		for _, r := range receivers {
			d.Receivers = append(d.Receivers, decision.Receiver{Application: r})
		}
		msgs, err := trail.Decisions([]*decision.Decision{d})
		if err == nil {
			_, err = b.AppendUnguarded(t.Context(), msgs)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	deliver := func(seq uint64, mailbox string, result decision.Result) {
		t.Helper()
		m, err := trail.Delivery(&decision.Delivery{In: "EDGE_alpha", Seq: seq, Mailbox: mailbox, Result: result, ID: "e"})
		if err == nil {
			_, err = b.AppendUnguarded(t.Context(), []event.Message{m})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	record(hub.Quarantined, 1)
	record(hub.Routed, 2, "lhm.kfz", "lhm.abfall")
	record(hub.Routed, 3, "lhm.kfz")
	record(hub.Parked, 3) // it could not be carried out: no settlement yet
	deliver(2, "lhm.abfall", decision.Parked)
	deliver(2, "lhm.kfz", decision.Done)
	deliver(2, "lhm.kfz", decision.Done) // twice after a crash
	source := &listening{fail: 1, told: make(chan struct{}, 10)}
	if got := tell(t, newIntake(t, b, source), source, 1); got[0].Outcome != hub.Quarantined {
		t.Errorf("first heard %+v", got[0])
	}
	deliver(2, "lhm.abfall", decision.Refused)
	again := &listening{told: make(chan struct{}, 10)}
	got := tell(t, newIntake(t, b, again), again, 2)
	if s := got[1]; s.Outcome != hub.Routed || s.Copies != 2 || s.Done != 1 {
		t.Errorf("the routed event settled as %+v, want 2 copies, 1 done", s)
	}
}

// tell runs Tell until n settlements were heard.
func tell(t *testing.T, in *Intake, s *listening, n int) []hub.Settlement {
	t.Helper()
	story := hubtest.Story(t, filepath.Join("..", "..", "..", "examples", "wohnsitzanmeldung"))
	in.Federation = func() *federation.Federation { return story } // its receivers have sinks
	return hear(t, in, s, n)
}

func hear(t *testing.T, in *Intake, s *listening, n int) []hub.Settlement {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = in.Tell(ctx) }()
	for range n {
		select {
		case <-s.told:
		case <-time.After(20 * time.Second):
			t.Fatal("the source was not told")
		}
	}
	cancel()
	<-done
	return s.settled
}

// TestOutcomeBeforeItsDecision: an outcome may stand in the trail before the decision. The source is
// told all the same, once, also after a restart in between, and its place moves on.
func TestOutcomeBeforeItsDecision(t *testing.T) {
	b := hubtest.Bus(t)
	source := &listening{told: make(chan struct{}, 10)}
	i := newIntake(t, b, source)
	i.AcksHeard = true
	tell := &teller{intake: i, listener: source, open: map[uint64]*waiting{}}
	hear := func(seq uint64, msgs []event.Message, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for k := range msgs {
			m := msgs[k]
			m.Seq = seq
			if err := tell.hear(t.Context(), "EDGE_alpha", &m); err != nil {
				t.Fatal(err)
			}
		}
	}
	outcome := func(seq, of uint64, mailbox string) {
		t.Helper()
		m, err := trail.Delivery(&decision.Delivery{Mailbox: mailbox, In: "EDGE_alpha", Seq: of, ID: "e", Result: decision.Done})
		hear(seq, []event.Message{m}, err)
	}
	decided := func(seq, of uint64) {
		t.Helper()
		msgs, err := trail.Decisions([]*decision.Decision{{
			In: "EDGE_alpha", Seq: of, ID: "e", Adapter: i.Adapter, Outcome: hub.Routed,
			Receivers: []decision.Receiver{{Application: "beta.one"}, {Application: "beta.two"}},
		}})
		hear(seq, msgs, err)
	}
	saved := func(want uint64) {
		t.Helper()
		if err := tell.save(t.Context(), 10_000); err != nil || tell.saved != want {
			t.Errorf("it begins behind %d after a restart (%v), want %d", tell.saved, err, want)
		}
	}
	outcome(1001, 5, "beta.one")
	saved(1000)
	decided(1002, 5)
	tell.saved = 0
	saved(1000)                  // the other outcome is still to come
	outcome(1003, 5, "beta.one") // twice, as after a crash
	outcome(1004, 4, "beta.one") // of an event from before: nobody waits
	if len(source.settled) != 0 {
		t.Errorf("the source was told %+v", source.settled)
	}
	outcome(1005, 5, "beta.two")
	if len(source.settled) != 1 || source.settled[0].Done != 2 {
		t.Errorf("the source was told %+v", source.settled)
	}
	if len(tell.open)+len(tell.early) != 0 {
		t.Errorf("%d and %d are kept", len(tell.open), len(tell.early))
	}
	saved(10_000)
	for n := range uint64(2 * maxEarly) { // no decision comes
		outcome(20_000+n, 6+n, "beta.one")
	}
	if len(tell.early) != maxEarly {
		t.Errorf("%d outcomes wait for their decisions", len(tell.early))
	}
}
