package post_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/hub"
)

// way is one whose every step can fail, before the other side has the letter or
// after; what arrived is kept.
type way struct {
	mu      sync.Mutex
	before  error
	after   error
	looking error
	arrived map[string]int
}

func (w *way) Send(_ context.Context, id string, _ post.Letter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.before != nil {
		return w.before
	}
	w.arrived[id]++
	return w.after
}

func (w *way) Sent(_ context.Context, id string, _ post.Letter, _ time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.arrived[id] > 0, w.looking
}

func newBox(t *testing.T) (*post.Box, *way, *time.Time) {
	t.Helper()
	w, now := &way{arrived: map[string]int{}}, time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	b := &post.Box{Dir: filepath.Join(t.TempDir(), "sent"), Way: w, Now: func() time.Time { return now }}
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	return b, w, &now
}

// A crash at each step, played by an error there and a box made anew: the letter
// arrives once.
func TestOnceAtEveryStep(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, fail := range map[string]func(*way){
		"before": func(w *way) { w.before = boom }, "after": func(w *way) { w.after = boom },
	} {
		b, w, _ := newBox(t)
		fail(w)
		if err := b.Once(t.Context(), "k", "me", post.Letter{}); !errors.Is(err, boom) {
			t.Fatalf("%s: %v", name, err)
		}
		w.looking = boom // not sure is no reason to send
		if err := b.Once(t.Context(), "k", "me", post.Letter{}); !errors.Is(err, boom) {
			t.Fatalf("%s: %v", name, err)
		}
		w.before, w.after, w.looking = nil, nil, nil
		for range 2 {
			b = &post.Box{Dir: b.Dir, Way: w}
			if err := errors.Join(b.Open(), b.Once(t.Context(), "k", "me", post.Letter{})); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if n := w.arrived[post.ID("k")]; n != 1 {
			t.Errorf("%s: arrived %d times", name, n)
		}
	}
}

// Of two who send under one key the first is heard; one that has begun and is heard
// of no more holds up the other for an hour.
func TestTheFirstIsHeard(t *testing.T) {
	t.Parallel()
	b, w, now := newBox(t)
	if err := b.Once(t.Context(), "k", "first", post.Letter{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Once(t.Context(), "k", "second", post.Letter{}); !errors.Is(err, post.ErrOther) {
		t.Errorf("the second: %v", err)
	}
	w.before = errors.New("boom")
	if err := b.Once(t.Context(), "open", "first", post.Letter{}); err == nil {
		t.Fatal("sent")
	}
	w.before = nil
	if err := b.Once(t.Context(), "open", "second", post.Letter{}); !errors.Is(err, post.ErrUnderWay) {
		t.Errorf("while the first is under way: %v", err)
	}
	*now = now.Add(2 * time.Hour)
	if err := b.Once(t.Context(), "open", "second", post.Letter{}); err != nil {
		t.Errorf("when the first has given up: %v", err)
	}
	if by, done, err := b.By("open"); by != "second" || !done || err != nil {
		t.Errorf("%s %v %v", by, done, err)
	}
	if err := b.Once(t.Context(), "open", "first", post.Letter{}); !errors.Is(err, post.ErrOther) {
		t.Errorf("the first, come back: %v", err)
	}
}

// A letter of the first that arrived although nobody heard of it is its own, not the
// second's.
func TestArrivedUnheard(t *testing.T) {
	t.Parallel()
	b, w, now := newBox(t)
	w.after = errors.New("boom")
	if err := b.Once(t.Context(), "k", "first", post.Letter{}); err == nil {
		t.Fatal("acknowledged")
	}
	w.after, *now = nil, now.Add(2*time.Hour)
	if err := b.Once(t.Context(), "k", "second", post.Letter{}); !errors.Is(err, post.ErrOther) || w.arrived[post.ID("k")] != 1 {
		t.Errorf("%v, arrived %d times", err, w.arrived[post.ID("k")])
	}
	if err := b.Once(t.Context(), "k", "first", post.Letter{}); err != nil {
		t.Errorf("the first, come back: %v", err)
	}
}

// What is refused for good leaves no mark: it is not under way.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	b, w, _ := newBox(t)
	w.before = hub.Permanent("too-large", "boom")
	if err := b.Once(t.Context(), "k", "first", post.Letter{}); !hub.FaultOf(err).Permanent {
		t.Fatal(err)
	}
	w.before = nil
	if by, _, err := b.By("k"); by != "" || err != nil {
		t.Errorf("%q has begun: %v", by, err)
	}
	if err := b.Once(t.Context(), "k", "second", post.Letter{}); err != nil {
		t.Error(err)
	}
}

func TestOnceAtTheSameTime(t *testing.T) {
	t.Parallel()
	b, w, _ := newBox(t)
	other := &post.Box{Dir: b.Dir, Way: w} // source and sink have a box each
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			one := b
			if n%2 == 0 {
				one = other
			}
			if err := one.Once(t.Context(), "k", "me", post.Letter{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := w.arrived[post.ID("k")]; n != 1 {
		t.Errorf("arrived %d times", n)
	}
}

// What was sent is forgotten in time, and so is what was begun and not heard of since.
func TestForget(t *testing.T) {
	t.Parallel()
	b, w, _ := newBox(t)
	if err := errors.Join(b.Once(t.Context(), "old", "me", post.Letter{}), b.Once(t.Context(), "young", "me", post.Letter{})); err != nil {
		t.Fatal(err)
	}
	w.before = errors.New("boom")
	if err := b.Once(t.Context(), "begun", "me", post.Letter{}); err == nil {
		t.Fatal("sent")
	}
	past := time.Now().Add(-time.Hour)
	for _, key := range []string{"old", "begun"} {
		if err := os.Chtimes(filepath.Join(b.Dir, post.ID(key)+".json"), past, past); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Forget(t.Context(), time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"old": "", "young": "me", "begun": ""} {
		if by, _, err := b.By(key); by != want || err != nil {
			t.Errorf("%s: %q %v", key, by, err)
		}
	}
}

// Where nothing was sent there is nothing to look for.
func TestNothingSent(t *testing.T) {
	t.Parallel()
	b, w, _ := newBox(t)
	w.before = errors.Join(errors.New("boom"), post.ErrNothingSent)
	if err := b.Once(t.Context(), "k", "me", post.Letter{}); !errors.Is(err, post.ErrNothingSent) {
		t.Fatal(err)
	}
	w.before, w.looking = nil, errors.New("nobody is to look")
	if err := b.Once(t.Context(), "k", "me", post.Letter{}); err != nil {
		t.Error(err)
	}
}

// A mark of a clock that was wrong holds up nobody for longer than others do.
func TestMarkOfTheFuture(t *testing.T) {
	t.Parallel()
	b, w, now := newBox(t)
	w.before = errors.New("boom")
	*now = now.Add(1000 * time.Hour)
	if err := b.Once(t.Context(), "k", "first", post.Letter{}); err == nil {
		t.Fatal("sent")
	}
	if busy, err := b.UnderWay("k", "second"); !busy || err != nil {
		t.Error("the first is not under way", err)
	}
	w.before, *now = nil, now.Add(-1000*time.Hour)
	if busy, err := b.UnderWay("k", "second"); busy || err != nil {
		t.Error("the first is under way", err)
	}
	if err := b.Once(t.Context(), "k", "second", post.Letter{}); err != nil {
		t.Error(err)
	}
}
