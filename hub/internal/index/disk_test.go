package index

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// eager writes each change at once, small makes many files of few.
var (
	eager = Options{Batch: 1, MemTable: 16 << 10, Cache: 1 << 20}
	small = Options{Batch: 16, MemTable: 16 << 10, Cache: 1 << 20}
)

func open(t *testing.T, dir string, o Options) *Index {
	t.Helper()
	x, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func closed(t *testing.T, x *Index) {
	t.Helper()
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}

// copyLive copies a directory that is in use, as a kill would leave it. A file
// that goes meanwhile makes it begin again.
func copyLive(tb interface {
	Helper()
	Fatalf(string, ...any)
}, from, to string,
) {
	tb.Helper()
	for range 100 {
		if os.RemoveAll(to) == nil && os.CopyFS(to, os.DirFS(from)) == nil {
			return
		}
	}
	tb.Fatalf("the index cannot be copied")
}

func fill(x *Index, from, to int) {
	for i := from; i <= to; i++ {
		x.Decided(uint64(i), numbered(i, 10_000))
	}
}

func knows(x *Index, i int) bool {
	d := numbered(i, 10_000)
	s, ok := x.Lookup(event.IdentityOf(d.Source, d.ID))
	return ok && s.Digest == d.Digest && s.Ref == d.Place() && s.Outcome == d.Outcome && s.At.Equal(d.Decided.Truncate(time.Second))
}

func TestCloseKeepsAll(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // pebble leaves one behind when it cannot open
	dir := t.TempDir()
	x := open(t, dir, Options{})
	fill(x, 1, 1000)
	x.Delivered(&decision.Delivery{Mailbox: "a.b", Out: 70, Result: decision.Done}, 1001)
	x.Delivered(&decision.Delivery{Mailbox: "a.b", Out: 7, Result: decision.Parked}, 1002)
	x.Floor("a.b", 60)
	closed(t, x)
	x = open(t, dir, Options{})
	defer closed(t, x)
	if x.Applied() != 1002 || !x.IsDone("a.b", 70) || !x.IsDone("a.b", 60) || x.IsDone("a.b", 7) || x.IsDone("a.b", 61) {
		t.Errorf("after a restart: applied %d, copies %+v", x.Applied(), x.done)
	}
	for i := 1; i <= 1000; i++ {
		if !knows(x, i) {
			t.Fatalf("%d is forgotten", i)
		}
	}
	s, err := x.Count()
	if err != nil || s.Entries != 1000 || s.Settled != 1 || s.Parked != 1 || s.Bytes == 0 {
		t.Errorf("Count = %+v, %v", s, err)
	}
}

// TestKilled: the files as they lie there while the index is at work give an
// earlier state, and with the rest of the trail the same answers.
func TestKilled(t *testing.T) {
	dir, killed := t.TempDir(), filepath.Join(t.TempDir(), "index")
	x := open(t, dir, small)
	n := 3000
	fill(x, 1, n)
	for x.disk.db.Metrics().Flush.Count == 0 { // until something has got as far as a file
		fill(x, n+1, n+100)
		n += 100
	}
	if err := x.disk.db.Checkpoint(killed); err != nil { // without a log of writes, what has got as far as files
		t.Fatal(err)
	}
	closed(t, x)
	y := open(t, killed, small)
	defer closed(t, y)
	applied := int(y.Applied())
	if applied == 0 || applied > n {
		t.Errorf("after a kill applied is %d", applied)
	}
	for i := 1; i <= applied; i++ {
		if !knows(y, i) {
			t.Fatalf("applied is %d, but %d is not known", applied, i)
		}
	}
	fill(y, applied+1, n)
	for i := 1; i <= n; i++ {
		if !knows(y, i) {
			t.Fatalf("%d is not known", i)
		}
	}
}

// TestGap: what was not taken in yet is not counted as read, though later
// records were: after a kill it must come again.
func TestGap(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, eager)
	fill(x, 1, 10)
	fill(x, 21, 30)
	fill(x, 41, 50)
	from, to, ok := x.Gap()
	if x.Applied() != 10 || from != 11 || to != 20 || !ok {
		t.Errorf("applied %d, gap %d..%d, %v", x.Applied(), from, to, ok)
	}
	closed(t, x)
	x = open(t, dir, eager)
	defer closed(t, x)
	if x.Applied() != 10 || !knows(x, 30) || knows(x, 15) {
		t.Errorf("after a restart: applied %d, 30 known %v, 15 known %v", x.Applied(), knows(x, 30), knows(x, 15))
	}
	x.Reached(51, 51)
	fill(x, 11, 50)
	if x.Applied() != 51 {
		t.Errorf("with the gaps filled applied is %d", x.Applied())
	}
	if _, _, ok := x.Gap(); ok {
		t.Error("there is a gap still")
	}
}

// TestForget removes from disk what is past the horizon, in steps, and nothing
// else.
func TestForget(t *testing.T) {
	x := open(t, t.TempDir(), eager)
	defer closed(t, x)
	for i := range 200 {
		d := numbered(i, 10_000)
		d.Decided = day0.Add(time.Duration(i) * time.Hour)
		x.Decided(uint64(i+1), d)
	}
	again := numbered(7, 10_000)
	again.Outcome, again.Decided = hub.Quarantined, day0.Add(Horizon+100*time.Hour)
	x.Decided(201, again)
	x.halt()
	x.commit()
	for range 30 {
		x.forget(10)
	}
	s, err := x.Count()
	if err != nil || s.Entries != 101 { // 100..199, and 7 again
		t.Errorf("%d entries are left, %v", s.Entries, err)
	}
	if s, ok := x.Lookup(event.IdentityOf(again.Source, again.ID)); !ok || s.Outcome != hub.Quarantined {
		t.Errorf("decided again, it is known as %+v, %v", s, ok)
	}
	x.resume()
}

func TestOtherVersion(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, eager)
	fill(x, 1, 10)
	x.mu.Lock()
	x.disk.meta.Version, x.disk.meta.changed = version+1, true
	x.mu.Unlock()
	closed(t, x)
	x = open(t, dir, eager)
	defer closed(t, x)
	if x.Applied() != 0 || knows(x, 1) {
		t.Error("an index of another version was used")
	}
}

// TestBelongs: the index of another store, or of a later state of this one, is
// emptied.
func TestBelongs(t *testing.T) {
	made := time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC)
	message := func(seq uint64) *event.Message {
		return &event.Message{Seq: seq, Subject: "trail.decision.x", Data: []byte{byte(seq)}, Time: made}
	}
	trail := func(made time.Time, last uint64, shift uint64) Trail {
		return Trail{Created: made, Last: last, At: func(_ context.Context, seq uint64) (*event.Message, error) {
			m := message(seq + shift)
			m.Seq = seq
			return m, nil
		}}
	}
	for name, c := range map[string]struct {
		trail Trail
		keeps bool
	}{
		"the same":                {trail(made, 12, 0), true},
		"another":                 {trail(made.Add(1), 12, 0), false},
		"an older state":          {trail(made, 9, 0), false},
		"older and gone on since": {trail(made, 12, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			x := open(t, dir, eager)
			if err := x.Belongs(t.Context(), trail(made, 0, 0)); err != nil {
				t.Fatal(err)
			}
			fill(x, 1, 10)
			x.Mark(message(10))
			closed(t, x)
			x = open(t, dir, eager)
			defer closed(t, x)
			if err := x.Belongs(t.Context(), c.trail); err != nil {
				t.Fatal(err)
			}
			if kept := x.Applied() == 10 && knows(x, 3); kept != c.keeps {
				t.Errorf("kept = %v, want %v", kept, c.keeps)
			}
			fill(x, 11, 12)
		})
	}
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, eager)
	defer closed(t, x)
	fill(x, 1, 10)
	if _, err := Open(dir, eager); err == nil || strings.Contains(err.Error(), "damaged") {
		t.Errorf("a second Open gave %v", err)
	}
	if !knows(x, 10) {
		t.Error("a second Open emptied the index")
	}
}
