package mend

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// TestNamedByTheTrail: a crash takes from OUT what no book had yet, though it was
// handed out. Its sequence is not given again, since the index knows it as settled.
func TestNamedByTheTrail(t *testing.T) {
	for name, lost := range map[string]bool{"records there": false, "records lost too": true} {
		t.Run(name, func(t *testing.T) {
			b := hubtest.Bus(t)
			l := openLedger(t)
			b.Tell(l)
			store := func(n int, subject string, data []byte) {
				t.Helper()
				for range n {
					if _, err := b.AppendUnguarded(t.Context(), []event.Message{{Subject: subject, Data: data}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			store(3, "out.beta.one.de.test.ding.v1", []byte("{}"))
			d, err := trail.Delivery(&decision.Delivery{Mailbox: "beta.one", Out: 7, In: "IN_alpha", Seq: 1, ID: "e", Result: decision.Done})
			if err != nil {
				t.Fatal(err)
			}
			if lost { // only its book has it
				l.Stored(bus.Trail, 1, []event.Message{d})
			} else {
				store(1, d.Subject, d.Data)
			}
			m := &Mender{Bus: b, Ledger: l, Log: zap.NewNop(), Quick: 1}
			for _, step := range []func() error{func() error { return m.Streams(t.Context()) }, func() error { return m.Records(t.Context()) }} {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
			seq, err := b.AppendUnguarded(t.Context(), []event.Message{{Subject: "out.beta.one.de.test.ding.v1"}})
			if seq != 8 || err != nil {
				t.Errorf("the next copy is %d in OUT (%v), which had given 7", seq, err)
			}
			last, err := b.LastSeq(t.Context(), bus.Trail)
			if last != 1 || err != nil {
				t.Errorf("the trail ends at %d: %v", last, err)
			}
		})
	}
}

// TestTrailWas: the trail has lost its end, and only the cursor of a replay or of the
// keeper tells how far it was. Its sequences are not given again.
func TestTrailWas(t *testing.T) {
	for _, name := range []string{decision.CursorReplay("beta.one"), decision.CursorExpiry} {
		b := hubtest.Bus(t)
		l := openLedger(t)
		b.Tell(l)
		cursor := event.Message{Subject: decision.CursorSubject("out", name), Data: []byte(`{"trail":9}`)}
		lost := event.Message{Subject: filler(bus.Out)} // from an earlier damage: no cursor
		if _, err := b.AppendUnguarded(t.Context(), []event.Message{cursor, lost}); err != nil {
			t.Fatal(err)
		}
		m := &Mender{Bus: b, Ledger: l, Log: zap.NewNop(), Quick: 1}
		for _, step := range []func() error{func() error { return m.Streams(t.Context()) }, func() error { return m.Records(t.Context()) }} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		seq, err := b.AppendUnguarded(t.Context(), []event.Message{{Subject: "trail.act.test.all.all"}})
		if seq <= 9 || err != nil {
			t.Errorf("%s knows the trail up to 9, and %d is given (%v)", name, seq, err)
		}
	}
}

// TestPace: messages that come slowly without being large tell of a damaged block.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		each time.Duration
		size int
		want bool
	}{
		{20 * time.Microsecond, 1000, false},
		{3 * time.Millisecond, 1000, true},
		{3 * time.Millisecond, 100_000, false},
		{20 * time.Millisecond, 100_000, true},
	} {
		now := time.Now()
		p := pace{since: now}
		for i := range 3 * paceOf {
			now = now.Add(c.each)
			if is, due := p.slow(c.size, now), (i+1)%paceOf == 0; is != (due && c.want) {
				t.Fatalf("%v each of %d bytes: slow %v at message %d", c.each, c.size, is, i+1)
			}
		}
	}
}

// openLedger begins a ledger for the length of a test.
func openLedger(t testing.TB) *ledger.Ledger {
	t.Helper()
	dir := t.TempDir()
	key, _, err := ledger.Key(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(dir, key, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// TestPromisedByACursor: the in stream and the trail have lost their ends, and only a cursor in OUT
// tells what was decided there and before. No sequence up to there is given to another event, and
// what was decided before is not decided anew.
func TestPromisedByACursor(t *testing.T) {
	b := hubtest.Bus(t)
	l := openLedger(t)
	b.Tell(l)
	cursor := event.Message{Subject: decision.CursorSubject("out", "IN_alpha"), Data: []byte(`{"seq":1,"epoch":1,"decided":{"records":["e30="],"after":3,"upto":5}}`)}
	for _, m := range []event.Message{hubtest.Event("1", hubtest.Ding, "k", `{}`), hubtest.Event("2", hubtest.Ding, "k", `{}`), cursor} {
		if _, err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	m := &Mender{Bus: b, Ledger: l, Log: zap.NewNop(), Quick: 1}
	for _, step := range []func() error{func() error { return m.Streams(t.Context()) }, func() error { return m.Records(t.Context()) }} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if last, err := b.LastSeq(t.Context(), "IN_alpha"); last != 5 || err != nil {
		t.Errorf("the in stream ends at %d (%v), want 5", last, err)
	}
	if told, ok := l.Told("IN_alpha"); told != 5 || !ok {
		t.Errorf("the ledger was told up to %d, want 5", told)
	}
	at, err := m.cursor(t.Context(), bus.Trail, "IN_alpha")
	if at.Seq != 3 || err != nil {
		t.Errorf("the trail's cursor says %d (%v), want 3", at.Seq, err)
	}
}
