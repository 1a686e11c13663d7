package bus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestKnownEnd: a chain that follows what this instance has stored is guarded by the
// end of the stream, any other by its subject; and each guard that was moved refuses,
// whoever moved it and in whatever way.
func TestKnownEnd(t *testing.T) {
	b, s := start(t)
	other, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lanes := []string{"out.cursor.IN_a", "out.cursor.IN_b"}
	at := map[string]uint64{}
	dice := rand.New(rand.NewPCG(1, 2))
	sure := 0
	for n := range 300 {
		lane := lanes[dice.IntN(len(lanes))]
		guard := Guard{lane, at[lane]}
		some := msgs("out.lhm.kfz.t", 1+dice.IntN(4))
		switch dice.IntN(8) {
		case 0: // its own cursor closes the chain
			some = append(some, event.Message{Subject: lane})
		case 1: // this instance writes otherwise
			_, err = b.Publish(t.Context(), msgs("out.lhm.kfz.t", 1)[0])
		case 2:
			_, err = b.AppendUnguarded(t.Context(), msgs("out.lhm.kfz.t", 3))
		case 3: // another instance writes
			_, err = other.Publish(t.Context(), msgs("out.lhm.foreign.t", 1)[0])
		case 5: // its own cursor stands alone
			at[lane], err = b.Append(t.Context(), msgs(lane, 1), at[lane])
			guard.Last = at[lane]
		case 4: // another instance, or another lane of this one, takes over
			at[lane], err = []*Bus{b, other}[dice.IntN(2)].Append(t.Context(), msgs(lane, 1), at[lane])
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.sure(Out, guard); ok {
			sure++
		}
		first, err := b.Chain(t.Context(), some, guard)
		if guard.Last != at[lane] {
			if !errors.Is(err, ErrFenced) || errors.Is(err, ErrUnclear) {
				t.Fatalf("%d: with the guard moved: %v, want ErrFenced", n, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if last := len(some) - 1; some[last].Subject == lane {
			at[lane] = first + uint64(last)
		}
		if m, err := b.Last(t.Context(), Out, lane); err != nil || m != nil && m.Seq != at[lane] {
			t.Fatalf("%d: the cursor lies at %v, %v; want %d", n, m, err, at[lane])
		}
	}
	if sure < 50 || sure > 250 {
		t.Errorf("%d of 300 chains followed the known end: the test shows little", sure)
	}
}

// TestKnownEndIsForgotten: behind a connection that broke, and once the message that a
// guard asks for was removed, the end may be another. What lies before it may go.
func TestKnownEndIsForgotten(t *testing.T) {
	b, _ := start(t)
	const cursor = "out.cursor.IN_a"
	at, err := b.Append(t.Context(), msgs(cursor, 2), 0)
	if err != nil {
		t.Fatal(err)
	}
	guard := Guard{cursor, at + 1}
	for _, change := range []struct {
		what  string
		do    func() error
		known bool
	}{
		{"a connection that broke", func() error { return b.Again(t.Context()) }, false},
		{"a deletion before it", func() error { return b.Delete(t.Context(), Out, at) }, true},
		{"a purge up to it", func() error { return b.Purge(t.Context(), Out, cursor, at) }, true},
		{"a purge", func() error { return b.Purge(t.Context(), Out, cursor, at+1) }, false},
	} {
		if _, err := b.Chain(t.Context(), msgs("out.lhm.kfz.t", 2), guard); err != nil {
			t.Fatal(err)
		}
		if last, _, ok := b.sure(Out, guard); !ok || last < at+3 {
			t.Fatalf("%s: before it the end is %d, %v", change.what, last, ok)
		}
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.sure(Out, guard); ok != change.known {
			t.Errorf("%s: the end is known: %v", change.what, ok)
		}
	}
	// what was on its way when the connection broke
	b.learn(Out, 0, guard, at+2, msgs("out.lhm.kfz.t", 1))
	if _, _, ok := b.sure(Out, guard); ok {
		t.Error("the end is known by an answer from before")
	}
	for _, subject := range []string{"trail.x", "out.x", "quarantine.x.y", "parked"} {
		if ownStream(subject) == "" {
			t.Error(subject)
		}
	}
	if got := fmt.Sprint(ownStream("in.a.b"), ownStream("outer.a"), ownStream("")); got != "" {
		t.Errorf("%q", got)
	}
}

// TestHeldLate: who learns late that its guard was looked at says nothing of what came
// since; and a guard that was looked at says nothing of what lies before it.
func TestHeldLate(t *testing.T) {
	var k known
	one := func(subject string) []event.Message { return []event.Message{{Subject: subject}} }
	// lane a stores 1, another instance takes it over by 2, lane b stores 3
	k.held(Out, 0, Guard{"a", 1}, 1, one("a"))
	k.held(Out, 0, Guard{"b", 1}, 3, one("b"))
	if last, ok := k.holds(Out, 0, Guard{"a", 1}); ok {
		t.Errorf("a is held for the last one of its subject, behind %d", last)
	}
	if last, ok := k.holds(Out, 0, Guard{"b", 3}); !ok || last != 3 {
		t.Errorf("b: %d, %v", last, ok)
	}
	k.held(Out, 0, Guard{"a", 1}, 1, one("a")) // late
	if _, ok := k.holds(Out, 0, Guard{"a", 1}); ok {
		t.Error("a is held for the last one of its subject")
	}
	if last, ok := k.holds(Out, 0, Guard{"b", 3}); !ok || last != 3 {
		t.Errorf("b, after it: %d, %v", last, ok)
	}
	for n := range 100 {
		k.held(Quarantine, 0, Guard{fmt.Sprint("once.", n), 0}, uint64(n+1), one(fmt.Sprint("once.", n)))
	}
	if e := k.of[Quarantine]; e != nil {
		t.Errorf("%d subjects that are written to once are remembered", len(e.subjects))
	}
}

// TestCursor: the cursor that was stored last is told without a look at the stream, but
// not behind a connection that broke, nor once it was removed.
func TestCursor(t *testing.T) {
	b, _ := start(t)
	const subject = "out.cursor.IN_a"
	cursor := func(seq uint64) {
		t.Helper()
		m, err := b.Cursor(t.Context(), Out, subject)
		if err != nil || seq == 0 && m != nil || seq > 0 && (m == nil || m.Seq != seq || m.Subject != subject) {
			t.Fatalf("%v, %v; want %d", m, err, seq)
		}
	}
	known := func() bool { _, ok := b.cursors.of[subject]; return ok }
	cursor(0)
	for n, store := range []func(some []event.Message) (uint64, error){
		func(some []event.Message) (uint64, error) { return b.Append(t.Context(), some, 0) },
		func(some []event.Message) (uint64, error) { return b.Chain(t.Context(), some, Guard{}) },
		func(some []event.Message) (uint64, error) { return b.Publish(t.Context(), some[0]) },
	} {
		some := append(msgs(subject, 1), msgs("out.lhm.kfz.t", 2)...)
		some[0].Data = []byte{byte(n)}
		at, err := store(some)
		if err != nil {
			t.Fatal(err)
		}
		if cursor(at); !known() {
			t.Error("it is not known")
		}
		if m, err := b.Cursor(t.Context(), Out, subject); err != nil || string(m.Data) != string(some[0].Data) {
			t.Errorf("%v, %v", m, err)
		}
	}
	// one that was answered late, and what another instance has stored
	last, err := b.Last(t.Context(), Out, subject)
	if err != nil {
		t.Fatal(err)
	}
	b.cursors.stored(0, Out, 1, msgs(subject, 1))
	cursor(last.Seq)
	raw, err := b.js.Publish(t.Context(), subject, nil)
	if err != nil {
		t.Fatal(err)
	}
	cursor(last.Seq) // not known to this one, until it is read
	if _, err := b.Last(t.Context(), Out, subject); err != nil {
		t.Fatal(err)
	}
	cursor(raw.Sequence)
	if err := b.Again(t.Context()); err != nil {
		t.Fatal(err)
	}
	cursor(raw.Sequence)
	if err := b.Purge(t.Context(), Out, subject, Everything); err != nil {
		t.Fatal(err)
	}
	if cursor(0); known() {
		t.Error("it is known once it is gone")
	}
	// gone without this instance
	if _, err := b.Publish(t.Context(), event.Message{Subject: subject}); err != nil {
		t.Fatal(err)
	}
	s, err := b.js.Stream(t.Context(), Out)
	if err == nil {
		err = s.Purge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if cursor(0); !known() {
		t.Error("the test shows nothing")
	}
}

// TestFirst: sequence and time of the first message that is there.
func TestFirst(t *testing.T) {
	b, _ := start(t)
	if m, err := b.First(t.Context(), Out); m != nil || err != nil {
		t.Errorf("of an empty stream %v, %v", m, err)
	}
	at, err := b.AppendUnguarded(t.Context(), msgs("out.lhm.kfz.t", 3))
	if err == nil {
		err = b.Delete(t.Context(), Out, at)
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := b.At(t.Context(), Out, 1, ">")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := b.First(t.Context(), Out); err != nil || m.Seq != at+1 || !m.Time.Equal(want.Time) {
		t.Errorf("%v, %v; want %d of %v", m, err, at+1, want.Time)
	}
}
