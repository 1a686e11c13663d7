package keep

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// Under unbroken load IN holds what came since the last run and up to 10 000
// events more: so far the cursors of streams to which nothing goes may lag.
const (
	flatMessages = 20_000
	flatBytes    = flatMessages << 10
)

// TestFlat loads for AMTSBOTE_SOAK (a few seconds when nothing is said) with
// events that are not kept, and looks all the while how large IN and OUT are.
// Then nothing is left.
func TestFlat(t *testing.T) {
	length := 3 * time.Second
	if text := os.Getenv("AMTSBOTE_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	w.begin(script(done))
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var wg sync.WaitGroup
	var sent atomic.Int64
	for sender := range 4 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				m := hubtest.Event(fmt.Sprintf("s%d-%d", sender, n), hubtest.Sache, fmt.Sprint("k", n%20), `{"n":1}`)
				if _, err := w.bus.Publish(t.Context(), m); err != nil {
					t.Error(err)
					return
				}
				sent.Add(1)
			}
		})
	}
	post, stop := context.WithCancel(t.Context())
	var taker sync.WaitGroup
	defer taker.Wait()
	defer stop()
	taker.Go(func() { _ = w.bus.HandOut(post, "alpha.post", func(c *bus.Copy) { _ = c.Ack(post) }) })
	k, tick := w.keeper(nil), time.NewTicker(min(length/20, 10*time.Second))
	defer tick.Stop()
	var most [2]uint64
	for ctx.Err() == nil {
		<-tick.C
		w.run(k)
		for i, stream := range []string{inAlpha, bus.Out} {
			messages, bytes, err := w.bus.Size(t.Context(), stream)
			if err != nil {
				t.Fatal(err)
			}
			if most[i] = max(most[i], messages); messages > flatMessages || bytes > flatBytes {
				t.Fatalf("%s has grown to %d messages and %d bytes after %d events", stream, messages, bytes, sent.Load())
			}
		}
	}
	wg.Wait()
	w.carriedOut()
	w.await("all to go", func() bool {
		w.run(k)
		return w.messages(inAlpha, ">")+w.messages(bus.Out, "out.*.*.>") == 0
	})
	t.Logf("%d events; at most %d in IN and %d in OUT, cursors included", sent.Load(), most[0], most[1])
}
