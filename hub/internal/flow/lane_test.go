package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

const inAlpha = "IN_alpha"

// newLane makes a lane as a fresh process would: what it knows it reads.
func newLane(t *testing.T, b *bus.Bus, fed *federation.Federation) *Lane {
	t.Helper()
	x := freshIndex(t, b)
	if err := b.Read(t.Context(), bus.Trail, x.Applied()+1, nil, x.Apply); err != nil {
		t.Fatal(err)
	}
	deciding := &sync.Mutex{}
	log := zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	version, n := NewVersion(fed), lanes.Add(1)
	return &Lane{
		Organisation: "alpha", In: inAlpha, Bus: b, Index: x,
		Current: func() *Version { return version }, Now: time.Now,
		Deciding: deciding, Decided: func(*decision.Decision) {}, Log: log,
		Parking: &Parking{Organisation: "alpha", Bus: b, Index: x, Deciding: deciding, Decided: func(*decision.Decision) {}, Log: log},
		few:     []manner{inFlight, inPair, pairInFlight, inTurn}[n%4],
	}
}

// lanes counts those that were made: they carry few events out in all manners, by turns.
var lanes atomic.Int32

// carries has a lane carry out a batch, and waits for that.
func (l *Lane) carries(ctx context.Context, msgs []*event.Message) error {
	return errors.Join(l.carry(ctx, msgs), l.land())
}

// recordsFirst has a lane record decisions before it stores what they bring.
func (l *Lane) recordsFirst() {
	switch l.few {
	case inPair:
		l.few = inTurn
	case pairInFlight:
		l.few = inFlight
	}
}

// run starts a lane; the returned function stops it and waits.
func run(t *testing.T, l *Lane) (ctx context.Context, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.Run(ctx); err != nil {
			t.Errorf("lane: %v", err)
		}
	}()
	return ctx, func() { cancel(); <-done }
}

// until runs lanes until the trail, OUT and QUARANTINE are complete up to the
// end of the in stream.
func until(t *testing.T, b *bus.Bus, lanes ...*Lane) {
	t.Helper()
	last, err := b.LastSeq(t.Context(), inAlpha)
	if err != nil {
		t.Fatal(err)
	}
	decided := make(chan uint64, 1<<16)
	for _, l := range lanes {
		l.Decided = func(d *decision.Decision) { decided <- d.Seq }
		_, stop := run(t, l)
		defer stop()
	}
	deadline := time.After(hubtest.Patience)
	for {
		if complete(t, b, last) {
			return
		}
		select {
		case <-decided:
		case <-time.After(50 * time.Millisecond): // what was recorded before is not told again
		case <-deadline:
			w := look(t, b)
			for seq := uint64(1); seq <= last; seq++ {
				if d := w.decisions[seq]; d == nil || !complete(t, b, seq) {
					t.Fatalf("not complete up to %d: %d is %+v", last, seq, d)
				}
			}
		}
	}
}

func complete(t *testing.T, b *bus.Bus, last uint64) bool {
	t.Helper()
	w := look(t, b)
	for seq := uint64(1); seq <= last; seq++ {
		d := w.decisions[seq]
		if d == nil {
			return false
		}
		switch d.Outcome {
		case hub.Routed:
			for _, r := range d.Receivers {
				if w.copies[send.DeliveryID(d, r.Application)] == 0 {
					return false
				}
			}
		case hub.Quarantined, hub.Unrouted:
			if w.quarantine[seq] == 0 {
				return false
			}
		}
	}
	return true
}

// world is what lies in the streams.
type world struct {
	decisions  map[uint64]*decision.Decision
	twice      []uint64       // decided twice
	copies     map[string]int // by delivery id
	order      map[string][]string
	bodies     map[string]event.Message
	quarantine map[uint64]int // by sequence in the in stream
}

func look(t *testing.T, b *bus.Bus) *world {
	t.Helper()
	w := &world{
		decisions: map[uint64]*decision.Decision{}, copies: map[string]int{}, order: map[string][]string{},
		bodies: map[string]event.Message{}, quarantine: map[uint64]int{},
	}
	read := func(stream, filter string, fn func(*event.Message) error) {
		if err := b.Read(t.Context(), stream, 1, []string{filter}, fn); err != nil {
			t.Fatal(err)
		}
	}
	read(bus.Trail, "trail.decision."+inAlpha+".>", func(m *event.Message) error {
		ds, err := trail.ReadDecisions(m)
		for _, d := range ds {
			if w.decisions[d.Seq] != nil {
				w.twice = append(w.twice, d.Seq)
			}
			w.decisions[d.Seq] = d
		}
		return err
	})
	read(bus.Out, "out.beta.>", func(m *event.Message) error {
		id := m.Get(event.HeaderDelivery)
		w.copies[id]++
		w.bodies[id] = *m
		box := strings.Join(strings.Split(m.Subject, ".")[1:3], ".") + " " + m.KeyOf()
		_, seq := m.Of()
		w.order[box] = append(w.order[box], fmt.Sprint(seq))
		return nil
	})
	read(bus.Quarantine, "quarantine.alpha.>", func(m *event.Message) error {
		var seq uint64
		_, err := fmt.Sscan(m.Get(event.HeaderSeq), &seq)
		w.quarantine[seq]++
		return err
	})
	return w
}

// exact checks what must hold whatever crashed when.
func (w *world) exact(t *testing.T, last uint64) {
	t.Helper()
	if len(w.twice) > 0 {
		t.Errorf("decided twice: %v", w.twice)
	}
	copies, refused := 0, 0
	for seq := uint64(1); seq <= last; seq++ {
		d := w.decisions[seq]
		if d == nil {
			t.Fatalf("%d has no decision", seq)
		}
		for _, r := range d.Receivers {
			copies++
			if n := w.copies[send.DeliveryID(d, r.Application)]; n != 1 {
				t.Errorf("%d: %d copies for %s, want 1", seq, n, r.Application)
			}
		}
		if d.Outcome == hub.Quarantined || d.Outcome == hub.Unrouted {
			refused++
			if n := w.quarantine[seq]; n != 1 {
				t.Errorf("%d lies %d times in quarantine, want once", seq, n)
			}
		}
	}
	if len(w.copies) != copies || len(w.quarantine) != refused {
		t.Errorf("%d copies and %d quarantined, want %d and %d", len(w.copies), len(w.quarantine), copies, refused)
	}
	for box, seqs := range w.order {
		for i := 1; i < len(seqs); i++ {
			if len(seqs[i-1]) > len(seqs[i]) || (len(seqs[i-1]) == len(seqs[i]) && seqs[i-1] >= seqs[i]) {
				t.Errorf("%s: %s came before %s", box, seqs[i-1], seqs[i])
			}
		}
	}
}

func publish(t *testing.T, b *bus.Bus, msgs ...event.Message) {
	t.Helper()
	for _, m := range msgs {
		if _, err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOutcomes sends one event of each kind and looks at what it became.
func TestOutcomes(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	forged := hubtest.Event("forged", hubtest.Ding, "k", `{"n":1}`)
	forged.Subject = "in.alpha"
	foreign := hubtest.Event("foreign", hubtest.Ding, "k", `{"n":1}`)
	foreign.Header["ce-source"] = []string{"urn:test:alphabet"}
	stranger := hubtest.Event("stranger", hubtest.Ding, "k", `{"n":1}`)
	stranger.Subject = "in.alpha.nobody." + hubtest.Ding
	mismatch := hubtest.Event("mismatch", hubtest.Niemand, "k", `{"n":1}`)
	mismatch.Subject = "in.alpha.app." + hubtest.Ding
	tooEarly := hubtest.Event("early", hubtest.Ding, "k", `{"n":1}`)
	tooEarly.Header["ce-time"] = []string{"2999-01-01T00:00:00Z"}
	structured := event.Message{
		Subject: "in.alpha.app." + hubtest.Ding, Header: map[string][]string{"Content-Type": {"application/cloudevents+json"}},
		Data: []byte(`{"specversion":"1.0","id":"structured","source":"` + hubtest.Source + `","type":"` + hubtest.Ding + `","data":{"n":12.50,"text":"ü"}}`),
	}
	cases := []struct {
		m       event.Message
		outcome hub.Outcome
		code    refusal.Code
		at      string
	}{
		{hubtest.Event("good", hubtest.Ding, "k", `{"n":1,"text":"a"}`), hub.Routed, "", ""},
		{structured, hub.Routed, "", ""},
		{hubtest.Event("good", hubtest.Ding, "k", `{"n":1,"text":"a"}`), hub.Suppressed, "", ""},
		{hubtest.Event("good", hubtest.Ding, "k", `{"n":2,"text":"a"}`), hub.Quarantined, refusal.Conflict, "id"},
		{hubtest.Event("good", hubtest.Ding, "k", `{"n":2,"text":"a"}`), hub.Suppressed, "", ""},
		{hubtest.Event("bad", hubtest.Ding, "k", `{"n":"x"}`), hub.Quarantined, refusal.SchemaInvalid, "/data/n"},
		{hubtest.Event("bad", hubtest.Ding, "k", `{"n":"x"}`), hub.Suppressed, "", ""},
		{hubtest.Event("bad", hubtest.Ding, "k", `{"n":3}`), hub.Routed, "", ""}, // corrected: supersedes
		{hubtest.Event("bad", hubtest.Ding, "k", `{"n":4}`), hub.Quarantined, refusal.Conflict, "id"},
		{hubtest.Event("none", hubtest.Niemand, "k", `{"n":1}`), hub.Unrouted, refusal.NoAgreement, ""},
		{hubtest.Event("none", hubtest.Niemand, "k", `{"n":1}`), hub.Suppressed, "", ""},
		{tooEarly, hub.Quarantined, refusal.TimeImplausible, "time"},
		{hubtest.Event("early", hubtest.Ding, "k", `{"n":1}`), hub.Routed, "", ""}, // the same content, mended
		{hubtest.Event("huge", hubtest.Ding, "k", `{"n":1e10000000}`), hub.Quarantined, refusal.NumberLimit, "data"},
		{hubtest.Event("type", "de.test.unbekannt.v1", "k", `{}`), hub.Quarantined, refusal.TypeUnknown, "type"},
		{forged, hub.Quarantined, refusal.Forged, "subject"},
		{foreign, hub.Quarantined, refusal.SourceNotAllowed, "source"},
		{stranger, hub.Quarantined, refusal.AppUnknown, "subject"},
		{mismatch, hub.Quarantined, refusal.SubjectMismatch, "type"},
	}
	sent := 0
	for i, c := range cases {
		if _, err := b.Publish(t.Context(), c.m); err != nil {
			if c.m.Subject == "in.alpha" { // no stream takes it: the best end of a forgery
				cases[i].outcome = ""
				continue
			}
			t.Fatal(err)
		}
		sent++
	}
	until(t, b, newLane(t, b, fed))
	w := look(t, b)
	seq := uint64(0)
	for _, c := range cases {
		if c.outcome == "" {
			continue
		}
		seq++
		d := w.decisions[seq]
		if id := c.m.Header["ce-id"]; len(id) == 1 && (c.code == refusal.SourceNotAllowed || c.code == refusal.SubjectMismatch) && d.ID != id[0] {
			t.Errorf("%d: the trail cannot be asked for %s", seq, id[0])
		}
		if d.Outcome != c.outcome || d.Code != c.code || d.At != c.at {
			t.Errorf("%d (%s): %s %s at %q, want %s %s at %q", seq, d.ID, d.Outcome, d.Code, d.At, c.outcome, c.code, c.at)
		}
	}
	w.exact(t, uint64(sent))
	if body := w.bodies["IN_alpha-2-beta.one"]; string(body.Data) != string(structured.Data) {
		t.Errorf("an uncut event must travel byte for byte, got %s", body.Data)
	}
	if body := w.bodies["IN_alpha-2-beta.two"]; string(body.Data) != `{"n":12.50}` {
		t.Errorf("the cut payload is %s, want the one disclosed field with its number as it stood", body.Data)
	}
	q := w.quarantine[6]
	if q != 1 {
		t.Errorf("the invalid event lies %d times in quarantine", q)
	}
}

// TestAscending: messages that come twice, as after a Reset, count once.
func TestAscending(t *testing.T) {
	for name, c := range map[string]struct {
		at   uint64
		seqs []uint64
		want string
	}{
		"in sequence":             {0, []uint64{1, 2, 3}, "[1 2 3]"},
		"old ones first":          {5, []uint64{4, 5, 6, 7}, "[6 7]"},
		"again in the same batch": {5, []uint64{6, 7, 6, 7, 8}, "[6 7 8]"},
		"all of them again":       {5, []uint64{6, 7, 6, 7}, "[6 7]"},
		"a gap stays":             {5, []uint64{8, 9, 6}, "[8 9]"},
		"nothing new":             {9, []uint64{8, 9}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			var msgs []*event.Message
			for _, seq := range c.seqs {
				msgs = append(msgs, &event.Message{Seq: seq})
			}
			got := []uint64{}
			for _, m := range ascending(c.at, msgs) {
				got = append(got, m.Seq)
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// TestNeverMoreThanABatch: what was not delivered is taken from the store together
// with what came before it; all of it must still fit into one batch of the trail.
func TestNeverMoreThanABatch(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	const last = 1400
	for from := 0; from < last; from += 700 {
		some := make([]event.Message, 700)
		for i := range some {
			some[i] = hubtest.Event(fmt.Sprint(from+i), hubtest.Ding, "k", `{"n":1}`)
			some[i].Subject = "edge" + strings.TrimPrefix(some[i].Subject, "in")
		}
		if _, err := b.AppendUnguarded(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	l := newLane(t, b, fed)
	l.In = bus.EdgeStream("alpha")
	var err error
	if l.work, err = b.Work(t.Context(), l.In, nil); err != nil {
		t.Fatal(err)
	}
	defer l.work.Stop()
	l.aim()
	for _, came := range []uint64{1, 900, maxEvents - 1} {
		msgs, err := b.Page(t.Context(), l.In, ">", 0, int(came))
		if err != nil {
			t.Fatal(err)
		}
		later, err := b.Page(t.Context(), l.In, ">", last-1, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.follow(t.Context(), append(msgs, later...))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > maxEvents || len(got) <= int(came) || got[len(got)-1].Seq != uint64(len(got)) {
			t.Errorf("behind %d came %d messages, the last with sequence %d", came, len(got), got[len(got)-1].Seq)
		}
	}
}
