package main

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// receiver takes from a mailbox of mode nats, as an application does.
type receiver struct {
	books *books
	box   *box
	whole bool // its copies are not cut
}

// prompt acknowledges at once.
func prompt(m jetstream.Msg) { _ = m.Ack() } // a lost one comes again

// slow takes a while now and then.
func slow(seed uint64) func(jetstream.Msg) {
	r := rand.New(rand.NewPCG(seed, 4))
	return func(m jetstream.Msg) {
		if r.IntN(200) == 0 {
			<-time.After(20 * time.Millisecond)
		}
		_ = m.Ack()
	}
}

// failing refuses one copy in twenty, to have it again.
func failing(seed uint64) func(jetstream.Msg) {
	r := rand.New(rand.NewPCG(seed, 3))
	return func(m jetstream.Msg) {
		if r.IntN(20) == 0 {
			_ = m.NakWithDelay(50 * time.Millisecond)
			return
		}
		_ = m.Ack()
	}
}

// receive notes each copy of a mailbox and hands it to act, until the test ends.
func receive(t *testing.T, h *host, b *books, mailbox string, act func(jetstream.Msg)) {
	t.Helper()
	r := &receiver{books: b, box: b.boxes[mailbox], whole: mailbox != "beta.two"}
	nc, js := h.connect()
	untilEnd(t, func(ctx context.Context) {
		if err := r.take(ctx, js, act); err != nil {
			select { // the hub is away
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}, nc.Close)
}

// untilEnd repeats fn until the test ends, and waits for it.
func untilEnd(t *testing.T, fn func(context.Context), closing func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			fn(ctx)
		}
	}()
	t.Cleanup(func() {
		stop()
		closing()
		<-done
	})
}

// take fetches a few copies.
func (r *receiver) take(ctx context.Context, js jetstream.JetStream, act func(jetstream.Msg)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	cons, err := js.Consumer(ctx, "OUT", decision.MailboxName(r.box.name))
	if err != nil {
		return err
	}
	batch, err := cons.Fetch(256, jetstream.FetchContext(ctx))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		r.note(m)
		act(m)
	}
	return batch.Error()
}

// note tells the books before anything is acknowledged.
func (r *receiver) note(m jetstream.Msg) {
	meta, err := m.Metadata()
	r.books.mu.Lock()
	defer r.books.mu.Unlock()
	if err != nil {
		r.books.fault("%s got a message without its place: %v", r.box.name, err)
		return
	}
	f := filed{id: m.Headers().Get("Amtsbote-Delivery")} // receipts of expiries come when they come
	if key, _, ok := placeOf(m.Headers().Get("ce-id")); ok {
		f.key = key
		_, f.place = (&event.Message{Subject: m.Subject(), Header: m.Headers()}).Of()
		if strings.Contains(string(m.Data()), marker) != r.whole {
			r.books.fault("%s has the wrong fields", f.id)
		}
	}
	r.box.arrives(meta.Sequence.Stream, f)
}
