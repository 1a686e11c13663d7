package quota_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

func book(t *testing.T, b *bus.Bus, limit, total int64) *quota.Book {
	t.Helper()
	k := &quota.Book{Bus: b, Limit: func(string) int64 { return limit }, Total: total, Every: 10 * time.Millisecond, Log: zap.NewNop()}
	if err := k.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func keep(t *testing.T, k *quota.Book) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = k.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.After(hubtest.Patience); !ok(); {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited for %s", what)
		}
	}
}

// fill stores n copies of about 1 KiB for beta.one.
func fill(t *testing.T, b *bus.Bus, k *quota.Book, n int) {
	t.Helper()
	for range n {
		m := event.Message{Subject: "out.beta.one.x", Data: []byte(strings.Repeat("x", 970))}
		seq, err := b.Publish(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if k != nil {
			k.Stored("beta.one", seq, &m)
		}
	}
}

// TestCounted: what lies in a mailbox is known after a restart, exactly when there
// is much, and roughly at once when there is little.
func TestCounted(t *testing.T) {
	b := hubtest.Bus(t)
	fill(t, b, nil, 100)
	k := book(t, b, 1<<20, 1<<30)
	if k.Full("beta.one", 0, 1) || k.Full("beta.two", 0, 1) {
		t.Error("a mailbox with 100 copies of 1 KiB is full at 1 MiB")
	}
	fill(t, b, nil, 1000)
	k = book(t, b, 1<<20, 1<<30)
	if !k.Full("beta.one", 0, 1) {
		t.Error("a mailbox that is not counted yet is not full")
	}
	keep(t, k)
	await(t, "it to be counted", func() bool { u := k.Usage(); return len(u) == 1 && u[0].Used > 1_000_000 })
	if u := k.Usage()[0]; u.Used < 1_090_000 || u.Used > 1_170_000 || !k.Full("beta.one", 0, 1) {
		t.Errorf("1100 copies of 1 KiB are %d bytes, full: %v", u.Used, k.Full("beta.one", 0, 1))
	}
}

// TestGuessed: a mailbox with many copies and far from full gets more at once, and
// is counted all the same.
func TestGuessed(t *testing.T) {
	b := hubtest.Bus(t)
	fill(t, b, nil, 500)
	other := event.Message{Subject: "out.beta.two.x", Data: []byte("x")} // the last copy is another's
	if _, err := b.Publish(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	k := book(t, b, 8<<20, 1<<30)
	if k.Full("beta.one", 0, 1) {
		t.Error("a mailbox with 500 KiB of 8 MiB is full")
	}
	fill(t, b, k, 100)
	keep(t, k)
	await(t, "it to be counted", func() bool { u := k.Usage(); return u[0].Used > 620_000 && u[0].Used < 640_000 })
}

// TestRoom: a mailbox has room again when a quarter of it is taken, or when its
// copies went without being taken.
func TestRoom(t *testing.T) {
	for what, empty := range map[string]func(*testing.T, *bus.Bus){
		"taken": func(t *testing.T, b *bus.Bus) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			err := b.HandOut(ctx, "beta.one", func(c *bus.Copy) {
				if err := c.Ack(ctx); err != nil {
					t.Error(err)
				}
				if n++; n == 30 {
					cancel()
				}
			})
			if err != nil {
				t.Error(err)
			}
		},
		"expired": func(t *testing.T, b *bus.Bus) {
			t.Helper()
			for seq := uint64(50); seq < 90; seq++ { // not from the first on: nothing tells by its floor
				if err := b.Delete(t.Context(), bus.Out, seq); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			b := hubtest.Bus(t)
			k := book(t, b, 100<<10, 1<<30)
			fill(t, b, k, 100)
			if !k.Full("beta.one", 0, 1<<10) {
				t.Fatal("100 copies of 1 KiB do not fill 100 KiB")
			}
			keep(t, k)
			empty(t, b)
			await(t, "room", func() bool { return !k.Full("beta.one", 0, 1<<10) })
			if n := k.Usage()[0].Used; n < 50<<10 {
				t.Errorf("it is said to hold %d bytes", n)
			}
		})
	}
}

// TestAlwaysRoomForOthers: however large the quotas, one mailbox can take no more
// than what it leaves free.
func TestAlwaysRoomForOthers(t *testing.T) {
	b := hubtest.Bus(t)
	k := book(t, b, 1<<30, 200<<10)
	n := 0
	for ; n < 200 && !k.Full("beta.one", 0, 1<<10); n++ {
		fill(t, b, k, 1)
	}
	if n < 90 || n > 105 {
		t.Errorf("a mailbox got %d KiB of 200", n)
	}
	if k.Full("beta.two", 0, 1<<10) {
		t.Error("no room is left for others")
	}
}
