package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
	"github.com/amtsbote/amtsbote/hub/internal/mend"
)

// Enough for several blocks of 4 MB in each stream.
const (
	damageRouted   = 6000
	damageUnrouted = 650
	damageTaken    = 500  // copies that beta.one has acknowledged
	damageText     = 1000 // characters of an event
)

// damageLayout: streams below 32 MB have blocks of 4 MB.
var damageLayout = bus.Layout{Trail: 30 << 20, Out: 31 << 20, Quarantine: 30 << 20, Parked: 30 << 20, State: 8 << 20, Schemas: 8 << 20, Blobs: 8 << 20}

// stock is a store that is whole: its data directory, and what it holds.
type stock struct {
	fed, data string
	quick     uint64                       // app.Config.Quick
	holds     map[string]map[uint64]string // by stream and sequence: what tells a message
}

// makeStock runs a hub until it has decided and carried out everything.
func makeStock(t *testing.T) *stock {
	t.Helper()
	s := &stock{fed: filepath.Join(t.TempDir(), "fed"), data: filepath.Join(t.TempDir(), "data")}
	hubtest.WriteFederation(t, s.fed)
	for _, typ := range []string{hubtest.Ding, hubtest.Niemand} { // room for large ones
		path := filepath.Join(s.fed, "schemas", typ, "schema.json")
		raw, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, bytes.Replace(raw, []byte(`"maxLength": 100`), []byte(`"maxLength": 10000`), 1), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(s.fed, "organisations", "alpha.yaml")
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(raw, "quota: 30MiB\n"...), 0o600) // blocks of 4 MB
	}
	if err != nil {
		t.Fatal(err)
	}
	a := s.start(t, s.data)
	b := a.Bus()
	text := strings.Repeat("x", damageText)
	publish := func(n int, typ, text string) {
		for i := 0; i < n; i += 500 {
			var batch []event.Message
			for k := i; k < min(i+500, n); k++ {
				m := hubtest.Event(fmt.Sprintf("%s-%d", typ, k), typ, fmt.Sprintf("key-%d", k%16), fmt.Sprintf(`{"n":%d,"text":%q}`, k, text))
				m.Subject = "edge" + strings.TrimPrefix(m.Subject, "in")
				batch = append(batch, m)
			}
			if _, err := b.AppendUnguarded(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(damageRouted, hubtest.Ding, text)
	settled(t, b, damageRouted)
	fillTrail(t, b)
	publish(damageUnrouted, hubtest.Niemand, strings.Repeat("y", 8*damageText))
	settled(t, b, damageRouted+damageUnrouted)
	ctx, cancel := context.WithCancel(t.Context())
	taken := 0
	if err := b.HandOut(ctx, "beta.one", func(c *bus.Copy) {
		if err := c.Ack(t.Context()); err != nil {
			t.Error(err)
		}
		if taken++; taken == damageTaken {
			cancel()
		}
	}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the ledger to know what was acknowledged", func() bool {
		raw, _ := os.ReadFile(filepath.Join(s.data, "ledger", "books", bus.Out, "notes"))
		return strings.Contains(string(raw), fmt.Sprintf(`"upTo":%d`, floorOf(t, b)))
	})
	stopApp(t, a)
	s.holds = dump(t, s.data)
	return s
}

func floorOf(t *testing.T, b *bus.Bus) uint64 {
	t.Helper()
	box, err := b.Mailbox(t.Context(), "beta.one")
	if err != nil {
		t.Fatal(err)
	}
	return box.Floor
}

func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// settled waits until the hub has carried out seq messages of EDGE_alpha.
func settled(t *testing.T, b *bus.Bus, seq uint64) {
	t.Helper()
	waitUntil(t, "the hub to carry out everything", func() bool {
		for _, stream := range []string{bus.Trail, bus.Out, bus.Quarantine} {
			m, err := b.Last(t.Context(), stream, strings.ToLower(stream)+".cursor.EDGE_alpha")
			if err != nil || m == nil {
				return false
			}
			var c decision.Cursor
			if json.Unmarshal(m.Data, &c) != nil || c.Seq < seq {
				return false
			}
		}
		return true
	})
}

func (s *stock) start(t *testing.T, data string) *app.App {
	t.Helper()
	a, err := s.try(t, data)
	if err != nil {
		t.Fatalf("the hub did not start: %v", err)
	}
	return a
}

func (s *stock) try(t *testing.T, data string) (*app.App, error) {
	t.Helper()
	a, err := app.New(app.Config{Directory: s.fed, Data: data, AllowTemp: true, Log: zap.NewNop(), RemoveEvery: -1, Layout: &damageLayout, Quick: s.quick})
	if err != nil {
		t.Fatal(err)
	}
	return a, a.Start(t.Context())
}

// dump reads a whole store by itself, without the hub.
func dump(t *testing.T, data string) map[string]map[uint64]string {
	t.Helper()
	srv, err := bus.StartEmbedded(bus.Embedded{Dir: data, MaxStore: 1 << 46, AllowTemp: true}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Stop()
	b, err := srv.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return contents(t, b)
}

func contents(t *testing.T, b *bus.Bus) map[string]map[uint64]string {
	t.Helper()
	out := map[string]map[uint64]string{}
	for _, stream := range []string{bus.Trail, bus.Out, bus.Quarantine, "EDGE_alpha"} {
		out[stream] = map[uint64]string{}
		if _, err := b.State(t.Context(), stream); errors.Is(err, bus.ErrNoStream) {
			continue
		}
		if err := b.Read(t.Context(), stream, 1, nil, func(m *event.Message) error {
			out[stream][m.Seq] = m.Subject + " " + m.Get(event.HeaderDelivery) + " " + fmt.Sprint(m.Of()) + " " + string(m.Data)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestDamage does every damage to every stream of a store, and starts the hub:
// it must name just what is gone, put back what can be, and go on exactly. A run does
// each to two of the four streams, by a seed; AMTSBOTE_CHAOS=long (task chaos) to all.
func TestDamage(t *testing.T) {
	if raced.On {
		t.Skip("the race detector sees the same code in TestKillMending")
	}
	s := makeStock(t)
	t.Run("lost for good", s.lostForGood)
	t.Run("acknowledgements forgotten", s.forgottenAcknowledgements)
	t.Run("ledger lost", s.withoutLedger)
	t.Run("old part of the trail", s.oldPart)
	half := randomSeed(t)
	t.Logf("replay with AMTSBOTE_SEED=%d", half)
	for i, stream := range []string{bus.Trail, bus.Out, bus.Quarantine, "EDGE_alpha"} {
		for k, name := range slices.Sorted(maps.Keys(damages)) {
			if (half+uint64(i+k))%2 == 0 && os.Getenv("AMTSBOTE_CHAOS") != "long" {
				continue
			}
			t.Run(stream+"/"+name, func(t *testing.T) {
				t.Parallel() // each has its own copy, and waits for its disk half of the time
				data := s.copy(t)
				damages[name](t, streamDir(data, stream))
				s.check(t, data, stream)
			})
		}
	}
}

func streamDir(data, stream string) string { return bus.StreamDir(data, stream) }

func (s *stock) copy(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(data, os.DirFS(s.data)); err != nil {
		t.Fatal(err)
	}
	return data
}

func (s *stock) check(t *testing.T, data, stream string) {
	t.Helper()
	a := s.start(t, data)
	stopped := false
	defer func() {
		if !stopped {
			stopApp(t, a)
		}
	}()
	l, err := app.ReadLedger(data)
	if err != nil {
		t.Fatal(err)
	}
	is := contents(t, a.Bus())
	count := map[mend.Fate]int{}
	named := map[uint64]bool{}
	for _, loss := range l.Compared.Losses {
		if loss.Stream != stream {
			t.Fatalf("%s was not damaged, but has losses", loss.Stream)
		}
		if loss.ID == "" && !strings.Contains(loss.Subject, ".cursor.") && !strings.HasPrefix(loss.Subject, "trail.removal.") {
			t.Fatalf("%v has no event id", loss)
		}
		if strings.HasSuffix(loss.Subject, ".pack") && len(loss.Others) < 2 {
			t.Errorf("%v: of %d others the ids are named", loss, len(loss.Others))
		}
		count[loss.Fate]++
		named[loss.Seq] = true
	}
	if count[mend.Lost] > 0 {
		t.Errorf("%d are lost", count[mend.Lost])
	}
	if stream != bus.Trail { // there nothing stays away
		for seq, m := range s.holds[stream] {
			if gone := is[stream][seq] != m; gone != named[seq] {
				t.Fatalf("sequence %d: gone %v, named %v", seq, gone, named[seq])
			}
		}
	}
	s.exact(t, is, stream, l.Compared)
	s.goesOn(t, a, is)
	stopApp(t, a)
	stopped = true
	a = s.start(t, data)
	defer stopApp(t, a)
	if l, err = app.ReadLedger(data); err != nil || l.Compared.Damaged() {
		t.Errorf("the next start finds damage too: %d, %v", len(l.Compared.Losses), err)
	}
	t.Logf("%v", count)
}

// exact: all that was stored is there once, but for what was acknowledged and
// events that were carried out.
func (s *stock) exact(t *testing.T, is map[string]map[uint64]string, damaged string, report *mend.Report) {
	t.Helper()
	for stream, must := range s.holds {
		want := map[string]int{}
		for _, m := range must {
			if !strings.Contains(m, ".cursor.") || stream == bus.Trail {
				want[m]++
			}
		}
		for _, m := range is[stream] {
			if want[m] > 0 {
				want[m]--
			} else if !strings.Contains(m, ".cursor.") && !strings.Contains(m, ".lost ") && !strings.HasPrefix(m, "trail.damage.") {
				t.Fatalf("%s holds more than it did: %.200s", stream, m)
			}
		}
		left := 0
		for _, n := range want {
			left += n
		}
		allowed := 0
		for _, loss := range report.Losses {
			if loss.Stream == stream && (loss.Fate == mend.Delivered || loss.Fate == mend.CarriedOut) {
				allowed++
			}
		}
		if left != allowed {
			t.Errorf("%s misses %d, of which %d may be (damaged: %s)", stream, left, allowed, damaged)
		}
	}
	if m := is[bus.Trail]; damaged == bus.Trail {
		for seq, record := range s.holds[bus.Trail] {
			if m[seq] != record {
				t.Fatalf("record %d of the trail is %.100q, was %.100q", seq, m[seq], record)
			}
		}
	}
}

// goesOn: a repeated event is known, a new one goes its way, and mailboxes hand
// out only what was not acknowledged.
func (s *stock) goesOn(t *testing.T, a *app.App, before map[string]map[uint64]string) {
	t.Helper()
	b := a.Bus()
	seqs := map[string]uint64{}
	for _, id := range []string{hubtest.Ding + "-7", "new"} {
		m := hubtest.Event(id, hubtest.Ding, "key", `{"n":7,"text":"`+strings.Repeat("x", damageText)+`"}`)
		m.Subject = "edge" + strings.TrimPrefix(m.Subject, "in")
		seq, err := b.Publish(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		seqs[id] = seq
	}
	if seqs["new"] <= damageRouted+damageUnrouted {
		t.Errorf("a sequence was given again: %d", seqs["new"])
	}
	waitUntil(t, "new events to be decided", func() bool {
		m, err := b.Last(t.Context(), bus.Trail, "trail.cursor.EDGE_alpha")
		var c decision.Cursor
		return err == nil && m != nil && json.Unmarshal(m.Data, &c) == nil && c.Seq >= seqs["new"]
	})
	end := slices.Max(append(slices.Collect(maps.Keys(before[bus.Out])), 0))
	n := 0
	defer func() {
		if n != 2 {
			t.Logf("%d copies of the new event", n)
		}
	}()
	waitUntil(t, "the copies of the new event", func() bool {
		n = 0
		if err := b.Often(t.Context(), bus.Out, end+1, []string{"out.beta.>"}, func(*event.Message) error {
			n++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n == 2 // and none of the repeated one
	})
	outcomes := map[uint64]hub.Outcome{}
	if err := b.Read(t.Context(), bus.Trail, 1, []string{"trail.decision.EDGE_alpha.>"}, func(m *event.Message) error {
		ds, err := trail.ReadDecisions(m)
		for _, d := range ds {
			outcomes[d.Seq] = d.Outcome
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if outcomes[seqs[hubtest.Ding+"-7"]] != hub.Suppressed || outcomes[seqs["new"]] != hub.Routed {
		t.Errorf("the repeated event is %s, the new one %s", outcomes[seqs[hubtest.Ding+"-7"]], outcomes[seqs["new"]])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := b.HandOut(ctx, "beta.one", func(c *bus.Copy) {
		var n struct{ N int }
		if err := json.Unmarshal(c.Data, &n); err != nil || n.N < damageTaken {
			t.Errorf("the first that beta.one gets is %d (%v); it has acknowledged %d", n.N, err, damageTaken)
		}
		cancel()
	})
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}
