package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// mixed is a store of which things were removed, with an older copy of it.
type mixed struct {
	*stock
	old string                       // an older copy of the data directory
	was map[string]map[uint64]string // what it has ever held, by stream and sequence
}

var mixedStreams = []string{bus.Trail, bus.Out, bus.Quarantine, bus.Parked, "IN_alpha", "EDGE_alpha"}

// Events that come by IN_alpha in a mixed store, after the older copy.
const (
	mixedRouted   = 300
	mixedUnrouted = 30
	mixedTaken    = 150 // further copies that beta.one acknowledges
)

func makeMixed(t *testing.T) *mixed {
	t.Helper()
	m := &mixed{stock: makeStock(t)}
	m.old = m.copy(t)
	a := m.start(t, m.data)
	b := a.Bus()
	before := mixedContents(t, b)
	if err := a.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	var end uint64
	for i := range mixedRouted + mixedUnrouted {
		typ := hubtest.Ding
		if i >= mixedRouted {
			typ = hubtest.Niemand
		}
		seq, err := b.Publish(t.Context(), hubtest.Event(fmt.Sprintf("late-%d", i), typ, fmt.Sprintf("key-%d", i%7), fmt.Sprintf(`{"n":%d}`, damageRouted+i)))
		if err != nil {
			t.Fatal(err)
		}
		end = seq
	}
	settledIn(t, b, "IN_alpha", end)
	for i := range 4 { // as a mailbox would
		p := event.Message{Subject: decision.ParkedKey{Application: "beta.two", Direction: decision.Out, Token: event.KeyToken("bad")}.Subject(), Data: []byte(fmt.Sprintf(`{"n":%d}`, i))}
		if i > 1 {
			p.Subject = decision.ParkedKey{Application: "beta.two", Direction: decision.Out, Token: event.KeyToken("good")}.Subject()
		}
		if _, err := b.AppendUnguarded(t.Context(), []event.Message{p}); err != nil {
			t.Fatal(err)
		}
	}
	m.was = mixedContents(t, b)
	for stream, held := range before {
		maps.Copy(m.was[stream], held)
	}
	ctx, cancel := context.WithCancel(t.Context())
	taken := 0
	if err := b.HandOut(ctx, "beta.one", func(c *bus.Copy) {
		if taken++; taken > mixedTaken {
			cancel()
			return
		}
		if err := c.Ack(t.Context()); err != nil {
			t.Error(err)
		}
	}); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	if err := b.Purge(t.Context(), bus.Parked, decision.ParkedKey{Application: "beta.two", Direction: decision.Out, Token: event.KeyToken("good")}.Subject(), bus.Everything); err != nil {
		t.Fatal(err)
	}
	if err := a.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the ledger to know what was acknowledged", func() bool {
		raw, _ := os.ReadFile(filepath.Join(m.data, "ledger", "books", bus.Out, "notes"))
		return strings.Contains(string(raw), fmt.Sprintf(`"upTo":%d,"mailbox":"beta.one"`, floorOf(t, b)))
	})
	m.holds = mixedContents(t, b)
	stopApp(t, a)
	for stream, held := range m.holds {
		for seq, text := range held {
			m.was[stream][seq] = text
		}
	}
	return m
}

// fillTrail has the trail go on in another block.
func fillTrail(t *testing.T, b *bus.Bus) {
	t.Helper()
	for range 20 { // 4 MB, as large as a block
		m, err := trail.Removal(&decision.Removal{Stream: "IN_beta", Why: decision.WhyKept, Ranges: []decision.Range{{Subject: strings.Repeat("x", 200_000)}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func settledIn(t *testing.T, b *bus.Bus, in string, seq uint64) {
	t.Helper()
	waitUntil(t, "the hub to carry out everything of "+in, func() bool {
		for _, stream := range []string{bus.Trail, bus.Out, bus.Quarantine} {
			m, err := b.Last(t.Context(), stream, decision.CursorSubject(strings.ToLower(stream), in))
			var c decision.Cursor
			if err != nil || m == nil || json.Unmarshal(m.Data, &c) != nil || c.Seq < seq {
				return false
			}
		}
		return true
	})
}

func mixedContents(t *testing.T, b *bus.Bus) map[string]map[uint64]string {
	t.Helper()
	out := map[string]map[uint64]string{}
	for _, stream := range mixedStreams {
		out[stream] = map[uint64]string{}
		if err := b.Often(t.Context(), stream, 1, nil, func(m *event.Message) error {
			out[stream][m.Seq] = m.Subject + " " + m.Get(event.HeaderDelivery) + " " + fmt.Sprint(m.Of()) + " " + m.Get("ce-id") + " " + string(m.Data)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func randomSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("AMTSBOTE_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("AMTSBOTE_SEED: %v", err)
		}
	}
	return seed
}

// TestDamageAtRandom does one to four damages to any files of a store, of the
// ledger and of the index, and starts the hub. Nothing may be lost unsaid, stored
// twice, or hang. All damages that once broke it are done, and a few at random;
// AMTSBOTE_CHAOS=long (task chaos) does many, AMTSBOTE_SEED replays one.
func TestDamageAtRandom(t *testing.T) {
	if raced.On {
		t.Skip("the race detector sees the same code in TestKillMending")
	}
	rounds := 4 // some 15 seconds
	if os.Getenv("AMTSBOTE_CHAOS") == "long" {
		rounds = 150
	}
	if os.Getenv("AMTSBOTE_SEED") != "" {
		rounds = 1
	}
	seed := randomSeed(t)
	m := makeMixed(t)
	if os.Getenv("AMTSBOTE_SEED") == "" {
		m.known(t)
	}
	for i := range rounds {
		one := seed + uint64(i)
		t.Run(fmt.Sprintf("AMTSBOTE_SEED=%d", one), func(t *testing.T) {
			t.Parallel()
			m.round(t, one)
		})
	}
}

func (m *mixed) round(t *testing.T, seed uint64) {
	t.Helper()
	data := m.copy(t)
	defer func() { _ = os.RemoveAll(data) }()
	r := rand.New(rand.NewPCG(seed, 1))
	var done []string
	for range 1 + r.IntN(4) {
		done = append(done, spoil(t, r, data, m.old))
	}
	t.Log(strings.Join(done, "\n"))
	m.judge(t, data)
}

// judge starts the hub on a damaged store, until it comes up.
func (m *mixed) judge(t *testing.T, data string) {
	t.Helper()
	before := files(t, data, ".blk")
	a, err := m.tryFor(t, data, time.Minute)
	var damage *app.DamageError
	if errors.As(err, &damage) {
		t.Logf("refused: %d lost", len(damage.Report.Lost()))
		if _, err := app.AcceptDamage(data, "tester", "sent again"); err != nil {
			t.Fatal(err)
		}
		a, err = m.tryFor(t, data, time.Minute)
	}
	if err != nil {
		after := files(t, data, ".blk")
		for name, size := range before {
			if after[name] < size {
				t.Errorf("refused, but %s was %d bytes and is %d", name, size, after[name])
			}
		}
		t.Fatalf("refused: %v", err)
	}
	l, err := app.ReadLedger(data)
	if err != nil {
		t.Fatal(err)
	}
	m.verify(t, mixedContents(t, a.Bus()), l.Compared)
	m.newOnes(t, a.Bus())
	stopApp(t, a)
	if a, err = m.tryFor(t, data, time.Minute); err != nil {
		t.Fatalf("the next start: %v", err)
	}
	defer stopApp(t, a)
	if l, err = app.ReadLedger(data); err != nil || l.Compared.Damaged() {
		t.Errorf("the next start finds damage too: %d, %v", len(l.Compared.Losses), err)
	}
}

// tryFor is try with a limit: a start must not hang.
func (m *mixed) tryFor(t *testing.T, data string, limit time.Duration) (*app.App, error) {
	t.Helper()
	a, err := app.New(app.Config{Directory: m.fed, Data: data, AllowTemp: true, Log: zap.NewNop(), RemoveEvery: -1, Layout: &damageLayout})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return a, a.Start(ctx)
}

// files gives the sizes of the files below dir that end in suffix.
func files(t *testing.T, dir, suffix string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		info, err := d.Info()
		if err == nil {
			out[path] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
