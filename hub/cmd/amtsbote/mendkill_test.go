package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestKillMending kills the hub again and again while it mends a store that has
// lost most of its copies and of its trail: at the end each copy is there once.
func TestKillMending(t *testing.T) {
	t.Parallel()
	seed := chaosSeed(t)
	r := rand.New(rand.NewPCG(seed, 2))
	h := newHost(t, buildHub(t), "")
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	nc, js := h.connect()
	const events = 400
	for i := range events {
		m := hubtest.Event(fmt.Sprintf("e-%d", i), hubtest.Ding, fmt.Sprintf("key-%d", i%7), fmt.Sprintf(`{"n":%d}`, i))
		if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: nats.Header(m.Header), Data: m.Data}); err != nil {
			t.Fatal(err)
		}
	}
	h.waitCursors("TRAIL", "OUT", "QUARANTINE")
	nc.Close()
	h.stop()
	for _, stream := range []string{"TRAIL", "OUT"} {
		blocks, err := filepath.Glob(filepath.Join(h.data, "jetstream", "*", "streams", stream, "msgs", "*.blk"))
		if err != nil || len(blocks) == 0 {
			t.Fatal(blocks, err)
		}
		if err := os.Truncate(blocks[0], 20_000); err != nil {
			t.Fatal(err)
		}
	}
	for range 12 {
		h.start()
		<-time.After(time.Duration(r.Int64N(int64(startUp * 3))))
		h.kill()
	}
	h.start()
	eventually(t, "the hub to come up", func() error {
		if strings.Contains(h.linesFrom(h.from), "Amtsbote serves") {
			return nil
		}
		return fmt.Errorf("not yet")
	})
	l, err := app.ReadLedger(h.data)
	if err != nil || l.Damage == nil || len(l.Damage.Lost()) > 0 {
		t.Fatalf("the damage: %+v, %v", l.Damage, err)
	}
	_, js = h.connect()
	copies := map[string]int{}
	cons, err := js.OrderedConsumer(t.Context(), "OUT", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"out.beta.>"}})
	if err != nil {
		t.Fatal(err)
	}
	for len(copies) < 2*events {
		batch, err := cons.Fetch(2*events, jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for m := range batch.Messages() {
			n++
			copies[m.Subject()+" "+m.Headers().Get("ce-id")]++
		}
		if n == 0 {
			break
		}
	}
	if len(copies) != 2*events {
		t.Errorf("%d copies, want %d", len(copies), 2*events)
	}
	for name, n := range copies {
		if n != 1 {
			t.Errorf("%d copies of %s", n, name)
		}
	}
	h.stop()
	h.start()
	h.comesUp() // and finds nothing
}
