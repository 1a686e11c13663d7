package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
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
	f := filed{id: m.Headers().Get("Amtsbote-Delivery"), place: -1} // receipts of expiries come when they come
	if key, place, ok := placeOf(m.Headers().Get("ce-id")); ok {
		f.key, f.place = key, place
		if strings.Contains(string(m.Data()), marker) != r.whole {
			r.books.fault("%s has the wrong fields", f.id)
		}
	}
	r.box.arrives(meta.Sequence.Stream, f)
}

// folder is the receiver behind beta.three: it takes files out of a folder. It
// sees neither sequences nor delivery ids, so what it gets twice it knows by key
// and place.
type folder struct {
	books *books
	dir   string
	last  map[int]taken // by key
}

// taken is the last new file of a key.
type taken struct {
	place   int
	written time.Time
}

func collect(t *testing.T, h *host, b *books) {
	t.Helper()
	f := &folder{books: b, dir: filepath.Join(h.data, "drop", "three", "out"), last: map[int]taken{}}
	untilEnd(t, func(ctx context.Context) {
		f.empty()
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}, func() {})
}

// found is a file that lies in the folder.
type found struct {
	id         string
	key, place int
	written    time.Time
}

// empty takes all files.
func (f *folder) empty() {
	entries, err := os.ReadDir(f.dir)
	var all []found
	for _, e := range entries {
		if e.Type().IsRegular() && filepath.Ext(e.Name()) == ".json" {
			all = append(all, f.read(filepath.Join(f.dir, e.Name()))...)
		}
	}
	f.books.mu.Lock()
	defer f.books.mu.Unlock()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.books.fault("read the folder of beta.three: %v", err)
	}
	slices.SortFunc(all, func(a, b found) int { return a.place - b.place })
	for _, one := range all {
		f.note(one)
	}
}

// read takes a file away; nothing is given for one that is not of the load.
func (f *folder) read(path string) []found {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	var e struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(raw, &e); err != nil || os.Remove(path) != nil {
		return nil
	}
	key, place, ok := placeOf(e.ID)
	if !ok {
		return nil
	}
	return []found{{e.ID, key, place, info.ModTime()}}
}

// note: a file of a place that has passed came before. New ones of a key must have
// been written in its order.
func (f *folder) note(one found) {
	last, ok := f.last[one.key]
	box := f.books.files
	if ok && one.place <= last.place && !box.wanted(one.id) {
		box.again++
		return
	}
	if ok && (one.place <= last.place || one.written.Before(last.written)) {
		f.books.fault("%s was written at %s, and place %d at %s", one.id, one.written, last.place, last.written)
	}
	if box.early[one.id] {
		box.again++
		return
	}
	f.last[one.key] = taken{one.place, one.written}
	box.matches(one.id)
}
