package bus

import (
	"context"
	"errors"
	"testing"
	"time"
)

// pairOf is a pair behind a cursor in OUT and one in TRAIL.
func pairOf(t *testing.T, b *Bus, n int) (out, trail *Link) {
	t.Helper()
	link := func(stream, root, of string) *Link {
		at, err := b.Append(t.Context(), msgs(root+".cursor.IN_lhm", 1), last(t, b, stream, root+".cursor.IN_lhm"))
		if err != nil {
			t.Fatal(err)
		}
		return &Link{Msgs: msgs(of, n), Guard: Guard{root + ".cursor.IN_lhm", at}}
	}
	return link(Out, "out", "out.lhm.kfz.t"), link(Trail, "trail", "trail.decision.IN_lhm.pack")
}

func last(t *testing.T, b *Bus, stream, subject string) uint64 {
	t.Helper()
	m, err := b.Last(t.Context(), stream, subject)
	if err != nil {
		t.Fatal(err)
	}
	if m == nil {
		return 0
	}
	return m.Seq
}

// TestPair: both chains are stored, one behind the other also when somebody has written
// to one of the streams meanwhile.
func TestPair(t *testing.T) {
	b, _ := start(t)
	for n := 1; n <= 20; n++ {
		out, trail := pairOf(t, b, n)
		for range 2 {
			if n%3 == 0 { // the bus does not know it: the end of the stream is another
				if _, err := b.js.Publish(t.Context(), "trail.removal.x", nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Pair(t.Context(), out, trail); err != nil {
				t.Fatal(err)
			}
			for stream, l := range map[string]*Link{Out: out, Trail: trail} {
				if end, err := b.LastSeq(t.Context(), stream); err != nil || end != l.First+uint64(n)-1 {
					t.Errorf("%d messages from %d in %s end at %d, %v", n, l.First, stream, end, err)
				}
				at, err := b.At(t.Context(), stream, l.First, ">")
				if err != nil || at == nil || at.Subject != l.Msgs[0].Subject {
					t.Errorf("at %d of %s lies %v, %v", l.First, stream, at, err)
				}
			}
		}
	}
}

// TestPairFenced: of a pair one chain is refused as a whole, and the other one stored.
func TestPairFenced(t *testing.T) {
	b, _ := start(t)
	for _, refused := range []string{Out, Trail} {
		out, trail := pairOf(t, b, 5)
		links := map[string]*Link{Out: out, Trail: trail}
		l := links[refused]
		if _, err := b.Append(t.Context(), msgs(l.Guard.Subject, 1), l.Guard.Last); err != nil {
			t.Fatal(err)
		}
		before := map[string]uint64{}
		for stream := range links {
			before[stream], _ = b.LastSeq(t.Context(), stream)
		}
		if err := b.Pair(t.Context(), out, trail); !errors.Is(err, ErrFenced) || errors.Is(err, ErrUnclear) {
			t.Errorf("%s refuses: %v, want ErrFenced", refused, err)
		}
		for stream := range links {
			want := before[stream]
			if stream != refused {
				want += 5
			}
			if end, _ := b.LastSeq(t.Context(), stream); end != want {
				t.Errorf("%s refuses: %s ends at %d, want %d", refused, stream, end, want)
			}
		}
	}
}

// TestPairsWhereNothingIsSynced: that must be known; as must that each message is.
func TestPairsWhereNothingIsSynced(t *testing.T) {
	for name, c := range map[string]struct {
		tell         func(*costs)
		pairs, syncs bool
	}{
		"unknown":      {func(*costs) {}, false, false},
		"syncs":        {func(c *costs) { c.syncing(true) }, false, true},
		"syncs not":    {func(c *costs) { c.syncing(false) }, true, false},
		"seems not to": {func(c *costs) { c.chained(64, time.Millisecond) }, true, false},
		"did not":      {func(c *costs) { c.chained(64, time.Millisecond); c.chained(64, time.Second) }, false, false},
		"little room":  {func(c *costs) { c.syncing(false); c.tight = true }, false, false},
	} {
		known := newCosts()
		if c.tell(known); known.pairs(5) != c.pairs || known.syncsEach() != c.syncs {
			t.Errorf("a server of which it is known: %s: %t, %t", name, !c.pairs, !c.syncs)
		}
	}
}

// TestPairStopped: a hub that is stopped leaves no half of a pair.
func TestPairStopped(t *testing.T) {
	b, _ := start(t)
	out, trail := pairOf(t, b, 3)
	whole, none := 0, 0
	for i := range 60 {
		ends := map[string]uint64{}
		for _, stream := range []string{Out, Trail} {
			ends[stream], _ = b.LastSeq(t.Context(), stream)
		}
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(time.Duration(i)*20*time.Microsecond, cancel)
		err := b.Pair(ctx, out, trail)
		cancel()
		timer.Stop()
		want := uint64(3)
		if err != nil {
			if none++; !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnclear) {
				t.Errorf("stopped after %d µs: %v", 20*i, err)
			}
			want = 0
		} else {
			whole++
		}
		for stream, before := range ends {
			if end, _ := b.LastSeq(t.Context(), stream); end-before != want {
				t.Errorf("stopped after %d µs (%v): %d messages in %s", 20*i, err, end-before, stream)
			}
		}
	}
	t.Logf("%d were stored and %d not begun", whole, none)
	if whole == 0 {
		t.Error("none was stored")
	}
}

// TestPairAhead: who waits for one chain alone does not wait for the other; and that one lets
// others write to its stream when it is stored, whoever asks.
func TestPairAhead(t *testing.T) {
	b, _ := start(t)
	ahead := 0
	for range 20 {
		out, trail := pairOf(t, b, 1)
		out.Msgs = msgs("out.lhm.kfz.t", 500)
		rest, err := b.PairAhead(t.Context(), out, trail)
		if err != nil {
			t.Fatal(err)
		}
		if end, err := b.LastSeq(t.Context(), Trail); err != nil || end != trail.First {
			t.Errorf("the trail ends at %d, %v", end, err)
		}
		before, err := b.LastSeq(t.Context(), Out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(t.Context(), msgs("out.lhm.kfz.other", 1)[0]); err != nil {
			t.Fatal(err)
		}
		if err := rest(); err != nil {
			t.Fatal(err)
		}
		if before < out.First+499 {
			ahead++
		}
		if end, err := b.LastSeq(t.Context(), Out); err != nil || end != out.First+500 {
			t.Errorf("OUT ends at %d, %v; the chain began at %d", end, err, out.First)
		}
	}
	if ahead == 0 {
		t.Error("it waits for both")
	}
}
