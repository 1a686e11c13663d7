package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

func open(t *testing.T, dir string) *Ledger {
	t.Helper()
	key, lost, err := Key(dir)
	if err != nil || lost {
		t.Fatal(lost, err)
	}
	l, err := Open(dir, key, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func book(t *testing.T, l *Ledger, stream string) *Book {
	t.Helper()
	b, err := l.Book(stream)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func batch(from, n int) []event.Message {
	out := make([]event.Message, n)
	for i := range out {
		out[i] = event.Message{Subject: fmt.Sprintf("trail.decision.IN_a.%02d", (from+i)%7), Data: fmt.Appendf(nil, "record %d", from+i)}
	}
	return out
}

// records reads what the book of TRAIL has, and compares each record.
func records(t *testing.T, b *Book) []uint64 {
	t.Helper()
	var out []uint64
	if err := b.Each(func(e *Entry) error {
		if want := fmt.Sprintf("record %d", e.Seq); string(e.Data) != want || !e.Whole {
			t.Fatalf("entry %d is %q", e.Seq, e.Data)
		}
		out = append(out, e.Seq)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func upTo(n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = uint64(i + 1)
	}
	return out
}

// TestToldInAnyOrder: spans come out of order, twice, overlapping and with gaps.
func TestToldInAnyOrder(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	b := book(t, l, "TRAIL")
	b.Begin(1)
	l.Stored("TRAIL", 11, batch(11, 10))
	if from, to, ok := b.Gap(); !ok || from != 1 || to != 10 || b.UpTo() != 0 {
		t.Fatalf("gap %d-%d %v, up to %d", from, to, ok, b.UpTo())
	}
	l.Stored("TRAIL", 31, batch(31, 10))
	l.Stored("TRAIL", 5, batch(5, 10)) // overlaps what was told
	l.Stored("TRAIL", 1, batch(1, 4))
	if b.UpTo() != 20 {
		t.Fatalf("up to %d, want 20", b.UpTo())
	}
	l.Stored("TRAIL", 21, batch(21, 12))
	l.Stored("TRAIL", 1, batch(1, 40)) // again
	if _, _, ok := b.Gap(); ok || b.UpTo() != 40 {
		t.Fatalf("up to %d, gap %v", b.UpTo(), ok)
	}
	if got := records(t, b); !slices.Equal(got, upTo(40)) {
		t.Fatal(got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	defer func() { _ = l.Close() }()
	b = book(t, l, "TRAIL")
	if got := records(t, b); !slices.Equal(got, upTo(40)) || b.UpTo() != 40 || b.First() != 1 {
		t.Fatal(got, b.UpTo(), b.First())
	}
}

// TestCrash: at whatever byte a crash has cut the last segment, the book opens,
// holds a beginning of what was told, and goes on.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for i := 1; i <= 30; i += 3 {
		l.Stored("TRAIL", uint64(i), batch(i, 3))
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(filepath.Join(dir, "books", "TRAIL"), 1)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir)
		b := book(t, l, "TRAIL")
		b.Begin(1)
		have := b.UpTo()
		if have%3 != 0 || have == 30 {
			t.Fatalf("cut at %d it is up to %d", n, have)
		}
		l.Stored("TRAIL", have+1, batch(int(have)+1, 30-int(have)))
		if got := records(t, b); !slices.Equal(got, upTo(30)) {
			t.Fatalf("cut at %d: %v", n, got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLedgerDamage: a bit that flips in the ledger is found when it is read, and
// nothing wrong is ever told.
func TestLedgerDamage(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for i := 1; i <= 30; i += 10 {
		l.Stored("TRAIL", uint64(i), batch(i, 10))
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	b := book(t, l, "TRAIL")
	path := segmentPath(b.dir, 1)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		flipped := slices.Clone(whole)
		flipped[n] ^= 1 << (n % 8)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		count := 0
		err := b.Each(func(e *Entry) error {
			if count++; string(e.Data) != fmt.Sprintf("record %d", count) {
				t.Fatalf("flipped at %d, entry %d is %q", n, count, e.Data)
			}
			return nil
		})
		if !errors.Is(err, ErrLedger) {
			t.Fatalf("flipped at %d: %v after %d entries", n, err, count)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRemovals(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(l.Removing("OUT", "out.a.b.>", 10))
	must(l.Removing("OUT", "out.a.b.>", 7)) // repeated, with less
	must(l.Removing("OUT", "out.cursor.IN_a", 20))
	must(l.Deleting("OUT", 15))
	must(l.Settle("OUT", []uint64{31, 30, 33}))
	must(l.Floors("OUT", map[string]uint64{"a.b": 12}))
	must(l.Floors("OUT", map[string]uint64{"a.b": 11}))
	check := func() {
		t.Helper()
		b := book(t, l, "OUT")
		for _, c := range []struct {
			subject string
			seq     uint64
			gone    bool
		}{
			{"out.a.b.t", 10, true},
			{"out.a.b.t", 11, false},
			{"out.a.c.t", 3, false},
			{"out.a.b", 3, false},
			{"out.cursor.IN_a", 20, true},
			{"out.cursor.IN_b", 20, false},
			{"out.a.c.t", 15, true},
			{"out.a.c.t", 31, true},
			{"out.a.c.t", 32, false},
			{"out.a.c.t", 33, true},
		} {
			if b.Gone(c.subject, c.seq) != c.gone {
				t.Errorf("%s %d: gone %v", c.subject, c.seq, !c.gone)
			}
		}
		if l.Floor("OUT", "a.b") != 12 || l.Floor("OUT", "a.c") != 0 || !l.Settled("OUT", 30) || l.Settled("OUT", 15) {
			t.Error("floors or settled losses are not as noted")
		}
	}
	check()
	must(l.Close())
	l = open(t, dir)
	check()
	path := filepath.Join(dir, "books", "OUT", "notes")
	must(l.Close())
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	must(err)
	_, err = f.WriteString(`00000000 {"removed":"out.a.c.t","upTo":99}` + "\n" + `12`) // not what it says, and cut
	must(errors.Join(err, f.Close()))
	l = open(t, dir)
	check()
	must(l.Removing("OUT", "out.x.y.t", 5))
	must(l.Close())
	l = open(t, dir)
	defer func() { _ = l.Close() }()
	check()
	if !book(t, l, "OUT").Gone("out.x.y.t", 5) {
		t.Error("what was noted behind a cut line is not known")
	}
}

// TestForget: segments below what a stream holds go, and notes too when there
// are many.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	b := book(t, l, "OUT")
	random := rand.NewChaCha8([32]byte{1}) // does not pack
	const entries = 12_000
	for i := range uint64(entries) {
		data := make([]byte, 2000)
		_, _ = random.Read(data)
		b.Add(i+1, i+1, []Entry{{Seq: i + 1, Subject: "out.cursor.IN_a", Whole: true, Data: data}})
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	before, err := segments(b.dir)
	if err != nil || len(before) < 2 {
		t.Fatalf("%d segments: %v", len(before), err)
	}
	if err := b.Forget(before[1] + 5); err != nil {
		t.Fatal(err)
	}
	if b.First() != before[1] {
		t.Errorf("begins at %d, want %d", b.First(), before[1])
	}
	n := uint64(0)
	if err := b.Each(func(e *Entry) error {
		if n == 0 && e.Seq != before[1] {
			t.Errorf("the first entry is %d", e.Seq)
		}
		n = e.Seq
		return nil
	}); err != nil || n != entries {
		t.Errorf("the last entry is %d: %v", n, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestKeyLost: without its key the ledger begins anew and says so.
func TestKeyLost(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.Stored("TRAIL", 1, batch(1, 3))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "key"), make([]byte, 36), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir) // from the spare
	if n := len(l.Streams()); n != 1 {
		t.Errorf("%d books with a spare key", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"key", "key.spare"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, lost, err := Key(dir); !lost || err != nil {
		t.Fatal(lost, err)
	}
	l = open(t, dir)
	defer func() { _ = l.Close() }()
	if n := book(t, l, "TRAIL").UpTo(); n != 0 {
		t.Errorf("the book of an unreadable ledger covers %d", n)
	}
	if n, ok := l.Reach("TRAIL"); n != 3 || !ok {
		t.Errorf("it is forgotten that there was one up to 3: %d, %v", n, ok)
	}
}

func FuzzEntry(f *testing.F) {
	e := Entry{Seq: 7, Subject: "out.a.b.t", Sum: 1, Whole: true, Data: []byte("x")}
	e.Of.In, e.Of.Seq = "IN_a", 3
	f.Add(e.append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, rest, err := readEntry(raw)
		if err != nil {
			return
		}
		again, left, err := readEntry(e.append(nil))
		if err != nil || len(left) > 0 || fmt.Sprint(again) != fmt.Sprint(e) || len(rest) >= len(raw) {
			t.Fatalf("%+v became %+v: %v", e, again, err)
		}
	})
}

func FuzzNote(f *testing.F) {
	f.Add([]byte(`00000000 {"removed":"out.>","upTo":9}`))
	f.Add([]byte("c3 "))
	f.Fuzz(func(_ *testing.T, line []byte) { _, _ = readNote(line) })
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		filter, subject string
		want            bool
	}{
		{">", "a", true},
		{"a.>", "a", false},
		{"a.>", "a.b.c", true},
		{"a.*.c", "a.b.c", true},
		{"a.*", "a.b.c", false},
		{"a.b.c", "a.b", false},
		{"*", "a", true},
	} {
		if fits(c.filter, c.subject) != c.want {
			t.Errorf("%s and %s: %v", c.filter, c.subject, !c.want)
		}
	}
}
