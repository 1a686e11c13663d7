package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// stored is what lies in the streams; read again, it reads on.
type stored struct {
	next       map[string]uint64             // where to read on, by stream
	in         map[uint64]string             // sequence -> id
	decisions  map[uint64]*decision.Decision // by sequence in IN_alpha
	copies     []copied                      // of OUT, in sequence
	quarantine int
}

// copied is what the checks need of a copy.
type copied struct {
	mailbox, delivery, key, id string
	text                       bool // it has the field text
}

func newStored() *stored {
	return &stored{next: map[string]uint64{}, in: map[uint64]string{}, decisions: map[uint64]*decision.Decision{}}
}

func checkOutcomes(t *testing.T, h *host, pub *publisher) {
	t.Helper()
	s := newStored()
	s.read(t, h)
	s.check(t, pub)
}

// check: all events are settled, and as they must be.
func (s *stored) check(t *testing.T, pub *publisher) {
	t.Helper()
	s.everyEventHasOneOutcome(t, pub)
	s.copiesMatchDecisions(t)
	s.orderHolds(t, pub)
}

func (s *stored) read(t *testing.T, h *host) {
	t.Helper()
	nc, js := h.connect()
	defer nc.Close()
	s.readOn(t, js, "IN_alpha", func(m jetstream.Msg, seq uint64) { s.in[seq] = m.Headers().Get("ce-id") })
	s.readOn(t, js, "TRAIL", func(m jetstream.Msg, _ uint64) { s.decision(t, m) })
	s.readOn(t, js, "OUT", func(m jetstream.Msg, _ uint64) {
		if !strings.HasPrefix(m.Subject(), "out.cursor.") {
			s.copies = append(s.copies, copied{
				mailbox:  strings.Join(strings.SplitN(m.Subject(), ".", 4)[1:3], "."),
				delivery: m.Headers().Get("Amtsbote-Delivery"), key: (&event.Message{Header: m.Headers()}).KeyOf(),
				id: m.Headers().Get("ce-id"), text: strings.Contains(string(m.Data()), "text"),
			})
		}
	})
	s.readOn(t, js, "QUARANTINE", func(m jetstream.Msg, _ uint64) {
		if !strings.HasPrefix(m.Subject(), "quarantine.cursor.") {
			s.quarantine++
		}
	})
}

func (s *stored) readOn(t *testing.T, js jetstream.JetStream, stream string, fn func(jetstream.Msg, uint64)) {
	t.Helper()
	readFrom(t, js, stream, s.next[stream], func(m jetstream.Msg, seq uint64) {
		s.next[stream] = seq + 1
		fn(m, seq)
	})
}

func (s *stored) decision(t *testing.T, m jetstream.Msg) {
	t.Helper()
	if !strings.HasPrefix(m.Subject(), "trail.decision.IN_alpha.") {
		return
	}
	ds, err := trail.ReadDecisions(&event.Message{Subject: m.Subject(), Data: m.Data()})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if _, twice := s.decisions[d.Seq]; twice && d.Outcome != hub.Parked { // what was to go may be parked
			t.Errorf("message %d was decided twice", d.Seq)
		}
		s.decisions[d.Seq] = d
	}
}

// everyEventHasOneOutcome: acknowledged = routed + unrouted + quarantined +
// suppressed, and each planned event has the outcome it must have.
func (s *stored) everyEventHasOneOutcome(t *testing.T, pub *publisher) {
	t.Helper()
	count := map[hub.Outcome]int{}
	outcomes := map[string]map[hub.Outcome]int{} // by identity
	for seq, id := range s.in {
		d := s.decisions[seq]
		if d == nil {
			t.Fatalf("message %d (%s) has no decision", seq, id)
		}
		count[d.Outcome]++
		key := d.Source + " " + d.ID + " " + d.Digest
		if outcomes[key] == nil {
			outcomes[key] = map[hub.Outcome]int{}
		}
		outcomes[key][d.Outcome]++
	}
	if n := count[hub.Parked]; n > 0 {
		t.Errorf("%d events are parked: nothing in the plan gives a reason to", n)
	}
	if sum := count[hub.Routed] + count[hub.Unrouted] + count[hub.Quarantined] + count[hub.Suppressed]; sum != len(s.in) || len(s.decisions) != len(s.in) {
		t.Errorf("%d messages, %d decisions, %d outcomes", len(s.in), len(s.decisions), sum)
	}
	for key, n := range outcomes {
		if n[hub.Routed]+n[hub.Unrouted]+n[hub.Quarantined] != 1 {
			t.Errorf("%s had the outcomes %v, want exactly one besides suppressed", key, n)
		}
	}
	if len(pub.reused) > 0 {
		t.Errorf("sequences were acknowledged for two events each: %v", pub.reused)
	}
	for seq, e := range pub.acked {
		d := s.decisions[seq]
		if d == nil || d.ID != e.id {
			t.Fatalf("the acknowledged event %s is not at sequence %d: lost", e.id, seq)
		}
		// after a kill a publish may have been stored without its acknowledgement
		if string(d.Outcome) != e.want && d.Outcome != hub.Suppressed {
			t.Errorf("%s at %d is %s (%s), want %s", e.id, seq, d.Outcome, d.Code, e.want)
		}
	}
	if s.quarantine != count[hub.Quarantined]+count[hub.Unrouted] {
		t.Errorf("%d lie in quarantine, %d were quarantined and %d unrouted", s.quarantine, count[hub.Quarantined], count[hub.Unrouted])
	}
	t.Logf("%d stored, %d acknowledged: %v; %d copies, %d in quarantine", len(s.in), len(pub.acked), count, len(s.copies), s.quarantine)
}

// copiesMatchDecisions: copies stored = the sum of the receivers of the routed,
// each exactly once, with exactly the fields disclosed.
func (s *stored) copiesMatchDecisions(t *testing.T) {
	t.Helper()
	want := map[string]bool{}
	for seq, d := range s.decisions {
		for _, r := range d.Receivers {
			want[fmt.Sprintf("IN_alpha-%d-%s", seq, r.Application)] = true
		}
	}
	for _, m := range s.copies {
		if !want[m.delivery] {
			t.Errorf("copy %s stands twice in OUT, or nobody decided on it", m.delivery)
		}
		delete(want, m.delivery)
		if cut := m.mailbox == "beta.two"; cut == m.text {
			t.Errorf("copy %s has the wrong fields", m.delivery)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d copies are missing", len(want))
	}
}

// orderHolds: in each mailbox the events of a key lie in the order in which
// they were acknowledged.
func (s *stored) orderHolds(t *testing.T, pub *publisher) {
	t.Helper()
	place := map[string]int{} // key and id -> place of its first sending
	for k := range pub.plan {
		for _, e := range pub.plan[k] {
			if _, ok := place[e.key+e.id]; !ok {
				place[e.key+e.id] = e.n
			}
		}
	}
	last := map[string]int{}
	for _, m := range s.copies {
		box := m.mailbox + " " + m.key
		at := place[m.key+m.id]
		if before, ok := last[box]; ok && at <= before {
			t.Errorf("%s: place %d came after %d", box, at, before)
		}
		last[box] = at
	}
	want := map[string]bool{}
	for _, e := range pub.acked {
		if e.want == "routed" {
			want[e.key] = true
		}
	}
	if len(last) != 2*len(want) {
		t.Errorf("%d keys in mailboxes, want %d in each of two", len(last), len(want))
	}
}

func readAll(t *testing.T, js jetstream.JetStream, stream string, fn func(jetstream.Msg, uint64)) {
	t.Helper()
	readFrom(t, js, stream, 0, fn)
}

// readFrom reads what lies in a stream from a sequence on, to the last sequence
// that the stream has: what a message says is left behind it is not believed.
func readFrom(t *testing.T, js jetstream.JetStream, stream string, from uint64, fn func(jetstream.Msg, uint64)) {
	t.Helper()
	var last uint64
	eventually(t, "the end of "+stream, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		s, err := js.Stream(ctx, stream)
		if err == nil {
			last = s.CachedInfo().State.LastSeq
		}
		return err
	})
	for at := max(from, 1); at <= last; {
		seq := readSome(t, js, stream, at, last, fn)
		if seq == 0 {
			return
		}
		at = seq + 1
	}
}

// readSome reads with one consumer until that says that nothing is left, and
// gives the last sequence it had; 0 for none.
func readSome(t *testing.T, js jetstream.JetStream, stream string, from, last uint64, fn func(jetstream.Msg, uint64)) uint64 {
	t.Helper()
	var cons jetstream.Consumer
	eventually(t, "reading "+stream, func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		cons, err = js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from})
		return err
	})
	if cons.CachedInfo().NumPending == 0 {
		return 0
	}
	it, err := cons.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextMaxWait(10 * time.Second))
		if err != nil {
			t.Fatalf("read %s: %v", stream, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		fn(m, meta.Sequence.Stream)
		if meta.Sequence.Stream >= last || meta.NumPending == 0 {
			return meta.Sequence.Stream
		}
	}
}
