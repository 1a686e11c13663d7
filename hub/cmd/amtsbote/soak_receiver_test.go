package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// receiver takes from a mailbox of mode nats, as an application does.
type receiver struct {
	t       *testing.T
	mailbox string
	mu      sync.Mutex
	got     map[string]int // how often, by delivery
}

// slow takes its time for each copy.
func slow(m jetstream.Msg) {
	<-time.After(2 * time.Millisecond)
	_ = m.Ack() // a lost one comes again
}

// failing refuses one copy in five, to have it again.
func failing(seed uint64) func(jetstream.Msg) {
	r := rand.New(rand.NewPCG(seed, 3))
	return func(m jetstream.Msg) {
		if r.IntN(5) == 0 {
			_ = m.NakWithDelay(50 * time.Millisecond)
			return
		}
		_ = m.Ack()
	}
}

// receive hands each copy to act until the test ends.
func receive(t *testing.T, h *host, mailbox string, act func(jetstream.Msg)) *receiver {
	t.Helper()
	r := &receiver{t: t, mailbox: mailbox, got: map[string]int{}}
	nc, js := h.connect()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := r.take(ctx, js, act); err != nil {
				select { // the hub is away
				case <-ctx.Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		nc.Close()
		<-done
	})
	return r
}

// take fetches a few copies.
func (r *receiver) take(ctx context.Context, js jetstream.JetStream, act func(jetstream.Msg)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	cons, err := js.Consumer(ctx, "OUT", decision.MailboxName(r.mailbox))
	if err != nil {
		return err
	}
	batch, err := cons.Fetch(64, jetstream.FetchContext(ctx))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		r.mu.Lock()
		r.got[m.Headers().Get("Amtsbote-Delivery")]++
		r.mu.Unlock()
		act(m)
	}
	return batch.Error()
}

// waitFor waits until every copy of its mailbox was handed out at least once.
func (r *receiver) waitFor(copies []copied) {
	r.t.Helper()
	eventually(r.t, r.mailbox+" to get its copies", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		missing := 0
		for _, c := range copies {
			if c.mailbox == r.mailbox && r.got[c.delivery] == 0 {
				missing++
			}
		}
		if missing > 0 {
			return errors.New(fmt.Sprint(missing, " are missing"))
		}
		return nil
	})
}
