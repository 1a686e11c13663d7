package flow

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// TestHeldUpTakeOver: a lane whose share of QUARANTINE is full ends and begins again, and
// again. Each time nothing is loose while it waits, so that a steward can make room; then
// it goes on, and all has come once.
func TestHeldUpTakeOver(t *testing.T) {
	for _, in := range []string{inAlpha, bus.EdgeStream("alpha")} {
		t.Run(in, func(t *testing.T) { heldUpTakeOver(t, in) })
	}
}

// TestHalt: a lane that is ended in the midst of something leaves nothing loose behind
// but what may be stored in part.
func TestHalt(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publishedBefore(t, b, newLane(t, b, fed))
	l := newLane(t, b, fed)
	var err error
	if l.work, err = b.Work(t.Context(), l.In, nil); err != nil {
		t.Fatal(err)
	}
	defer l.work.Stop()
	l.aim()
	if err := l.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	chain := func(ctx context.Context, seq uint64) error {
		c := l.out.at
		c.Seq = seq
		return l.out.chain(ctx, newBatch(c, []event.Message{{Subject: "out.beta.one.x", Data: []byte("{}")}}))
	}
	ended, end := context.WithCancel(t.Context())
	if err := chain(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	l.halt(ended)
	if b.Settled(bus.Out) == math.MaxUint64 {
		t.Error("nothing is loose while the lane works")
	}
	end()
	l.halt(ended)
	if b.Settled(bus.Out) != math.MaxUint64 || outCursor(t, b).Seq != 2 {
		t.Errorf("settled up to %d, the cursor says %d", b.Settled(bus.Out), outCursor(t, b).Seq)
	}
	if err := chain(ended, 3); err == nil {
		t.Fatal("the chain was stored")
	}
	if l.halt(ended); b.Settled(bus.Out) == math.MaxUint64 {
		t.Error("what may be stored in part is not loose")
	}
}

func heldUpTakeOver(t *testing.T, in string) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	store := func(id, data string) {
		t.Helper()
		m := hubtest.Event(id, hubtest.Ding, "k"+id, data)
		root, _, _ := strings.Cut(in, "_")
		_, rest, _ := strings.Cut(m.Subject, ".")
		m.Subject = strings.ToLower(root) + "." + rest
		if _, err := b.AppendUnguarded(t.Context(), []event.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	core, logged := observer.New(zap.ErrorLevel)
	start := func() (*Lane, func()) {
		l := newLane(t, b, fed)
		l.In = in
		l.Refused = &quota.Share{Organisation: "alpha", Bus: b, Stream: bus.Quarantine, Filter: "quarantine.alpha.>", Total: 6 << 10, Log: zap.New(core)}
		b.Loose(bus.Out, in, 1) // as the hub does
		b.Loose(bus.Quarantine, in, 1)
		_, stop := run(t, l)
		return l, stop
	}
	lies := func(stream, filter string) map[string]int {
		n := map[string]int{}
		if err := b.Read(t.Context(), stream, 1, []string{filter}, func(m *event.Message) error {
			_, seq := m.Of()
			n[fmt.Sprint(seq)]++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	bad := `{"n":"` + strings.Repeat("x", 2000) + `"}`
	store("1", bad)
	_, stop := start()
	await(t, "the first to rest", func() bool { return lies(bus.Quarantine, "quarantine.alpha.>")["1"] == 1 })
	store("2", `{"n":2}`)
	store("3", bad)
	store("4", `{"n":4}`)
	for times := 1; times <= 3; times++ {
		await(t, "the lane to be held up", func() bool { return logged.FilterMessageSnippet("share of a stream is full").Len() == times })
		await(t, "nothing to be loose", func() bool {
			return b.Settled(bus.Out) == math.MaxUint64 && b.Settled(bus.Quarantine) == math.MaxUint64 && b.Settled(bus.Parked) == math.MaxUint64
		})
		if times == 3 {
			break
		}
		stop()
		var l *Lane
		l, stop = start()
		await(t, "a steward to be let work", func() bool { return in == inAlpha || l.Parking.CaughtUp() })
	}
	defer func() { stop() }()
	if n := lies(bus.Quarantine, "quarantine.alpha.>"); len(n) != 1 {
		t.Errorf("there rest %v", n)
	}
	if err := b.Purge(t.Context(), bus.Quarantine, "quarantine.alpha.>", math.MaxUint32); err != nil {
		t.Fatal(err)
	}
	await(t, "the others", func() bool {
		return lies(bus.Quarantine, "quarantine.alpha.>")["3"] == 1 && lies(bus.Out, "out.beta.one.>")["4"] == 1
	})
	if n, out := lies(bus.Quarantine, "quarantine.alpha.>"), lies(bus.Out, "out.beta.one.>"); len(n) != 1 || n["3"] != 1 || len(out) != 2 || out["2"] != 1 || out["4"] != 1 {
		t.Errorf("there rest %v, and %v were handed on", n, out)
	}
}
