package search_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// payloads are those of events, by their sequence.
type payloads struct {
	mu     sync.Mutex
	gone   map[uint64]bool
	broken bool
}

func (p *payloads) Terms(_ context.Context, events []search.Event) (out []search.Found, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return nil, errors.New("the stream is not there")
	}
	for i := range events {
		e := events[i]
		if !p.gone[e.Seq] {
			out = append(out, search.Found{Event: e, Subject: subject, Terms: []search.Term{
				{Art: "aktenzeichen", Pointer: "/akte", Value: fmt.Sprint("Az. 33/", e.Seq)}, {Art: "eigen", Pointer: "@subject", Value: "allen gemein"},
			}})
		}
	}
	return out, nil
}

func (*payloads) Known(s string) bool { return s == subject }

const subject = "in.alpha.app.de.test.ding.v1"

// learning runs Learn until the test ends.
func learning(t *testing.T, x *search.Index, p *payloads) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Learn(ctx, p) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func keyed(t *testing.T, dir string, c *clock, key string) *search.Index {
	t.Helper()
	x, err := search.Open(dir, made, 1<<40, search.Options{Now: c.now, Key: []byte(key)})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func ids(t *testing.T, x *search.Index, value string) string {
	t.Helper()
	hits, err := x.Terms(value, 10, func(*search.Hit) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range hits {
		out = append(out, h.ID+h.Pointer)
	}
	return strings.Join(out, " ")
}

// becomes waits until a value leads to events; each flush has Learn look again.
func becomes(t *testing.T, x *search.Index, value, want string) {
	t.Helper()
	deadline := time.Now().Add(hubtest.Patience)
	for got := ""; ; got = ids(t, x, value) {
		if got == want && ids(t, x, value) == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q leads to %q, not %q", value, got, want)
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTerms: what a caller has leads to the event, however it is written, until the
// payload is removed; the store does not say what it was.
func TestTerms(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "search")
	x := keyed(t, dir, c, "key one")
	t.Cleanup(func() { _ = x.Close() })
	p := &payloads{gone: map[uint64]bool{4: true}}
	learning(t, x, p)
	w := &writer{t: t, x: x}
	for n := 1; n <= 5; n++ {
		w.decide(sample(n, c.at))
	}
	becomes(t, x, "az.33/5", "e5/akte")
	for value, want := range map[string]string{
		"AZ. 33 / 1": "e1/akte", " az.33/2\u00a0": "e2/akte", "Az. 33/4": "", "Az. 33": "", "": "", "\u200b": "", "allen gemein": "e5@subject e3@subject e2@subject e1@subject",
	} {
		if got := ids(t, x, value); got != want {
			t.Errorf("%q leads to %q, not %q", value, got, want)
		}
	}
	some, err := x.Terms("allen gemein", 1, func(h *search.Hit) bool { return h.Seq < 3 })
	if err != nil || len(some) != 1 || some[0].ID != "e2" || some[0].Art != "eigen" {
		t.Error(some, err)
	}
	w.apply(trail.Removal(&decision.Removal{Stream: "OUT", Ranges: []decision.Range{{Subject: subject, From: 1, UpTo: 9}}}))
	w.apply(trail.Removal(&decision.Removal{Stream: "IN_alpha", Why: decision.WhyKept, Ranges: []decision.Range{{Subject: subject, From: 1, UpTo: 2}, {Subject: "in.alpha.app.other", From: 3, UpTo: 3}, {Subject: decision.Others, From: 3, UpTo: 3}}}))
	w.decide(sample(6, c.at))
	becomes(t, x, "az.33/6", "e6/akte")
	becomes(t, x, "az.33/1", "")
	becomes(t, x, "allen gemein", "e6@subject e5@subject e3@subject")
	w.apply(trail.Removal(&decision.Removal{Stream: "IN_alpha", Why: "erased", Ranges: []decision.Range{{Subject: subject, From: 6, UpTo: 6}}}))
	becomes(t, x, "az.33/6", "")
	if a, err := x.Find(search.Query{}); err != nil || len(a.Events) != 6 {
		t.Error("the events themselves are found all the same:", len(a.Events), err)
	}
}

// TestTermsAgain: a hash that was learnt is there after a start, and not with another key;
// payloads that cannot be read are learnt later.
func TestTermsAgain(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "search")
	p := &payloads{broken: true}
	x := keyed(t, dir, c, "key one")
	w := &writer{t: t, x: x}
	w.decide(sample(1, c.at))
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := x.Learn(t.Context(), p); err == nil {
		t.Error("a payload that cannot be read is passed over")
	}
	p.broken = false
	learning(t, x, p)
	becomes(t, x, "az.33/1", "e1/akte")
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = keyed(t, dir, c, "key one")
	if got := ids(t, x, "az.33/1"); got != "e1/akte" || x.Applied() != 1 {
		t.Errorf("after a start: %q, read to %d", got, x.Applied())
	}
	c.at = c.at.AddDate(0, 0, 31)
	if n, err := x.Sweep(10); err != nil || n != 1 {
		t.Error(n, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = keyed(t, dir, c, "key two")
	if got := ids(t, x, "az.33/1"); got != "" || x.Applied() != 0 {
		t.Errorf("with another key: %q, read to %d", got, x.Applied())
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTermsMany: what many events have in common is learnt in steps, and none is missed.
func TestTermsMany(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)}
	x := keyed(t, filepath.Join(t.TempDir(), "search"), c, "key")
	t.Cleanup(func() { _ = x.Close() })
	w := &writer{t: t, x: x}
	const n = 2300
	for i := 1; i <= n; i++ {
		w.decide(sample(i, c.at))
	}
	p := &payloads{}
	learning(t, x, p)
	becomes(t, x, fmt.Sprint("az.33/", n), fmt.Sprint("e", n, "/akte"))
	all, err := x.Terms("allen gemein", n+1, func(*search.Hit) bool { return true })
	if err != nil || len(all) != n || !slices.IsSortedFunc(all, func(a, b search.Hit) int { return int(b.Seq) - int(a.Seq) }) {
		t.Error(len(all), err)
	}
}

// TestTermsDecidedAgain: a message that is decided twice is found once, by its last decision,
// as long as that is; no hash of it stays behind.
func TestTermsDecidedAgain(t *testing.T) {
	t.Parallel()
	for name, early := range map[string]bool{"learnt in between": true, "learnt together": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var days atomic.Int64
			now := func() time.Time {
				return time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC).AddDate(0, 0, int(days.Load()))
			}
			dir := filepath.Join(t.TempDir(), "search")
			x, err := search.Open(dir, made, 1<<40, search.Options{Now: now, Key: []byte("key")})
			if err != nil {
				t.Fatal(err)
			}
			p := &payloads{}
			w := &writer{t: t, x: x}
			if early {
				learning(t, x, p)
			}
			const removed, swept = 1, 2
			for _, n := range []int{removed, swept} {
				w.decide(sample(n, now()))
				if early {
					becomes(t, x, fmt.Sprint("az.33/", n), fmt.Sprint("e", n, "/akte"))
				}
			}
			days.Store(10)
			for _, n := range []int{removed, swept} {
				w.decide(sample(n, now()))
			}
			if !early {
				learning(t, x, p)
			}
			becomes(t, x, "allen gemein", "e2@subject e1@subject")
			w.apply(trail.Removal(&decision.Removal{Stream: "IN_alpha", Ranges: []decision.Range{{Subject: subject, From: removed, UpTo: removed}}}))
			becomes(t, x, "allen gemein", "e2@subject")
			for _, one := range []struct {
				day  int64
				want string
			}{{35, "e2@subject"}, {45, ""}} { // the first decisions, then the second ones
				days.Store(one.day)
				if n, err := x.Sweep(10); err != nil || n != 2 {
					t.Error("swept", n, err)
				}
				becomes(t, x, "allen gemein", one.want)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			if n := terms(t, dir); n != 0 {
				t.Errorf("%d keys of terms stay for ever", n)
			}
		})
	}
}

// terms counts what a store holds of payloads.
func terms(t *testing.T, dir string) (n int) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{ReadOnly: true, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		if strings.ContainsAny(string(it.Key()[:1]), "th") {
			n++
		}
	}
	return n
}
