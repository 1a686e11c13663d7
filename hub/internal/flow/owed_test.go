package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// smallBox is a book in which beta.two may hold very little, and beta.one as much
// as one says.
func smallBox(t *testing.T, b *bus.Bus, log *zap.Logger, one int64) *quota.Book {
	t.Helper()
	book := &quota.Book{Bus: b, Total: hubtest.Layout.Out, Every: 20 * time.Millisecond, Log: log, Limit: func(app string) int64 {
		if app == "beta.two" {
			return 16 << 10
		}
		return one
	}}
	if err := book.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	return book
}

// keepBook runs a book until the returned function is called.
func keepBook(t *testing.T, book *quota.Book) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := book.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return func() { cancel(); <-done }
}

// emptyBox acknowledges what comes to a mailbox until the returned function is
// called.
func emptyBox(t *testing.T, b *bus.Bus, app string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.HandOut(ctx, app, func(c *bus.Copy) { _ = c.Ack(ctx) })
	}()
	return func() { cancel(); <-done }
}

func outCursor(t *testing.T, b *bus.Bus) (c decision.Cursor) {
	t.Helper()
	m, err := b.Last(t.Context(), bus.Out, decision.CursorSubject("out", inAlpha))
	if err != nil {
		t.Fatal(err)
	}
	if m != nil {
		if err := json.Unmarshal(m.Data, &c); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (w *world) copiesFor(app string) (n int) {
	for id := range w.copies {
		if strings.HasSuffix(id, "-"+app) {
			n++
		}
	}
	return n
}

// TestDeadReceiverFillsOnlyItsQuota: beta.two takes nothing. It gets no more than
// its quota, beta.one gets everything meanwhile, the alarm is given once, and
// nothing that is owed may be removed; when beta.two takes again it gets all that
// it is owed and what came then, in order, each once.
func TestDeadReceiverFillsOnlyItsQuota(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	core, logged := observer.New(zap.WarnLevel)
	book := smallBox(t, b, zap.New(core), 1<<30)
	defer keepBook(t, book)()
	const events = 700
	for n := range events {
		publish(t, b, event1(n, hubtest.Ding, fmt.Sprintf("k%d", n%5)))
	}
	l := newLane(t, b, fed)
	l.Boxes, l.patience = book, 20*time.Millisecond
	_, stop := run(t, l)
	defer stop()
	await(t, "beta.one to get everything", func() bool { return look(t, b).copiesFor("beta.one") == events })
	w := look(t, b)
	if n := w.copiesFor("beta.two"); n == 0 || n > 50 {
		t.Errorf("beta.two has %d copies of about 450 bytes in 16 KiB", n)
	}
	c := outCursor(t, b)
	if o := c.Owed["beta.two"]; o.Seq == 0 || c.Floor() != o.Seq-1 || int(o.Seq) != w.copiesFor("beta.two")+1 {
		t.Errorf("the cursor says %+v", c)
	}
	if n := logged.FilterMessageSnippet("is full").Len(); n != 1 {
		t.Errorf("the alarm was given %d times", n)
	}
	defer emptyBox(t, b, "beta.two")()
	for n := range 20 {
		publish(t, b, event1(events+n, hubtest.Ding, fmt.Sprintf("k%d", n%5)))
	}
	await(t, "beta.two to get everything", func() bool { return look(t, b).copiesFor("beta.two") == events+20 })
	await(t, "nothing to be owed", func() bool { return len(outCursor(t, b).Owed) == 0 })
	look(t, b).exact(t, events+20)
	if n := logged.FilterMessageSnippet("is full").Len(); n != 1 {
		t.Errorf("the alarm was given %d times", n)
	}
}

// TestOwedSurvivesACrashAnywhere ends the lane at random steps while the
// mailboxes are full, get room, and are full again: each copy is stored once, in
// order.
func TestOwedSurvivesACrashAnywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 3))
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	n, points := 0, map[string]int{}
	var mu sync.Mutex // a lane comes to a point while its flight comes to another
	for range raced.Rounds(t, 40) {
		for range r.IntN(60) {
			publish(t, b, event1(n, hubtest.Ding, fmt.Sprintf("k%d", n%5)))
			n++
		}
		book := smallBox(t, b, zap.NewNop(), 20<<10)
		stopBook := keepBook(t, book)
		l := newLane(t, b, fed)
		l.Boxes, l.patience = book, 5*time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		left := r.IntN(25)
		l.crash = func(point string) {
			mu.Lock()
			defer mu.Unlock()
			if left--; left == 0 {
				points[point]++
				cancel()
			}
		}
		var stopBoxes []func()
		for _, app := range []string{"beta.one", "beta.two"} {
			if r.IntN(3) == 0 {
				stopBoxes = append(stopBoxes, emptyBox(t, b, app))
			}
		}
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		for _, stop := range stopBoxes {
			stop()
		}
		stopBook()
	}
	defer emptyBox(t, b, "beta.one")()
	defer emptyBox(t, b, "beta.two")()
	book := smallBox(t, b, zap.NewNop(), 20<<10)
	defer keepBook(t, book)()
	l := newLane(t, b, fed)
	l.Boxes, l.patience = book, 5*time.Millisecond
	_, stop := run(t, l)
	defer stop()
	owed := len(outCursor(t, b).Owed)
	await(t, "nothing to be owed", func() bool {
		c := outCursor(t, b)
		return len(c.Owed) == 0 && c.Seq == uint64(n) && complete(t, b, uint64(n))
	})
	look(t, b).exact(t, uint64(n))
	t.Logf("%d events, owed at the end: %d; crashed at %v", n, owed, points)
	if len(points) == 0 {
		t.Error("it never crashed")
	}
}

// TestWithhold: what one event brings a mailbox, a copy and a receipt, is owed
// together; what a crash repeats is withheld as before.
func TestWithhold(t *testing.T) {
	l := &Lane{
		In: inAlpha, Organisation: "alpha", out: &target{}, Parking: &Parking{},
		Boxes: &quota.Book{Total: 1 << 30, Log: zap.NewNop(), Limit: func(string) int64 { return 10_000 }},
	}
	msg := func(app string, n int) event.Message {
		return event.Message{Subject: "out." + app + ".x", Data: make([]byte, n)}
	}
	kept, debts := l.withhold([]load{
		{1, []event.Message{msg("a.a", 9_000), msg("a.a", 9_000), msg("b.b", 9_000)}},
		{2, []event.Message{msg("a.a", 10), msg("c.c", 10)}},
		{3, []event.Message{msg("a.a", 10), msg("b.b", 9_000)}},
	})
	if len(kept) != 2 || len(kept[0].msgs) != 3 || len(kept[1].msgs) != 1 {
		t.Errorf("kept %d loads: an event's messages for one mailbox go together", len(kept))
	}
	if debts["a.a"].Seq != 2 || debts["b.b"].Seq != 3 || len(debts) != 2 {
		t.Errorf("debts %+v", debts)
	}
	l.out.at.Owed = debts // as after a crash: the same comes out
	again, same := l.withhold([]load{
		{1, []event.Message{msg("a.a", 9_000), msg("a.a", 9_000), msg("b.b", 9_000)}},
		{2, []event.Message{msg("a.a", 10), msg("c.c", 10)}},
	})
	if len(again) != 2 || len(again[0].msgs) != 3 || len(again[1].msgs) != 1 || fmt.Sprint(same) != fmt.Sprint(debts) {
		t.Errorf("repeated, %d loads and debts %+v", len(again), same)
	}
}

// TestPaidIsNotCarriedOutAgain: events of which every copy was owed move no cursor.
// When the hub ends right after the copies are stored, they are not stored again.
func TestPaidIsNotCarriedOutAgain(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	quotas := func() *quota.Book {
		book := smallBox(t, b, zap.NewNop(), 16<<10)
		t.Cleanup(keepBook(t, book))
		return book
	}
	l := newLane(t, b, fed)
	l.Boxes, l.patience = quotas(), time.Hour // it never comes to rest, where cursors move up
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Run(ctx)
	}()
	n := 0
	send := func(events int) {
		for range events {
			publish(t, b, event1(n, hubtest.Ding, "k"))
			n++
		}
		await(t, "all to be decided", func() bool { return len(look(t, b).decisions) == n })
	}
	send(100)
	await(t, "both mailboxes to be owed", func() bool { return len(outCursor(t, b).Owed) == 2 })
	send(20)
	stopOne, stopTwo := emptyBox(t, b, "beta.one"), emptyBox(t, b, "beta.two")
	defer stopOne()
	defer stopTwo()
	await(t, "the mailboxes to have room", func() bool {
		return !l.Boxes.Full("beta.one", 0, 1) && !l.Boxes.Full("beta.two", 0, 1)
	})
	before := look(t, b).copiesFor("beta.two")
	publish(t, b, event1(n, hubtest.Ding, "k")) // has the lane look, and pay
	n++
	await(t, "something to be paid", func() bool { return look(t, b).copiesFor("beta.two") > before })
	cancel()
	<-done
	l = newLane(t, b, fed)
	l.Boxes, l.patience = quotas(), 5*time.Millisecond
	_, stop := run(t, l)
	defer stop()
	await(t, "nothing to be owed", func() bool { return complete(t, b, uint64(n)) && len(outCursor(t, b).Owed) == 0 })
	look(t, b).exact(t, uint64(n))
}
