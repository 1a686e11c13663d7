package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// Types of the load besides hubtest.Ding and hubtest.Niemand.
const (
	karte = "de.test.karte.v1" // goes to beta.three, whose sink is unreliable
	brief = "de.test.brief.v1" // sent by alpha.brief, which takes receipts, to beta.four, which nobody reads
)

// marker stands in the text of every event, and after the run in no file.
const marker = "Zyxwvutsrqponmlk"

const (
	percentKarte = 5
	percentBrief = 5
)

// writeLoaded changes the test federation so that all of a load goes: no type
// is kept for long, beta.three is served by an adapter, and copies for
// beta.four, which nobody reads, expire.
func writeLoaded(t *testing.T, dir string) {
	t.Helper()
	schema := func(typ string) string { return filepath.Join(dir, "schemas", typ) }
	for _, typ := range []string{karte, brief} {
		if err := os.CopyFS(schema(typ), os.DirFS(schema(hubtest.Ding))); err != nil {
			t.Fatal(err)
		}
		rewriteFile(t, filepath.Join(schema(typ), "schema.json"), hubtest.Ding, typ)
	}
	for typ, keep := range map[string]string{hubtest.Ding: "P0D", hubtest.Niemand: "P0D", karte: "PT5S", brief: "PT2S"} {
		rewriteFile(t, filepath.Join(schema(typ), "schema.json"), `"x-nicht-personenbezogen"`, `"x-keep": "`+keep+`", "x-nicht-personenbezogen"`)
	}
	organisations, agreements := filepath.Join(dir, "organisations"), filepath.Join(dir, "agreements")
	rewriteFile(t, filepath.Join(organisations, "alpha.yaml"), "applications:\n", `applications:
  - id: alpha.post
    title: Post
    mailbox: {mode: nats}
  - id: alpha.brief
    title: Brief
    receipts: alpha.post
    sources:
      - {prefix: "urn:test:brief", authority: "ags:00000001"}
`)
	rewriteFile(t, filepath.Join(organisations, "beta.yaml"), "applications:\n", `applications:
  - {id: beta.three, title: Three, mailbox: {mode: sink}}
  - {id: beta.four, title: Four, mailbox: {mode: nats}}
`)
	for id, change := range map[string]*strings.Replacer{
		"karte-drei": strings.NewReplacer("ding-eins", "karte-drei", hubtest.Ding, karte, "beta.one", "beta.three"),
		"brief-vier": strings.NewReplacer("ding-eins", "brief-vier", hubtest.Ding, brief, "beta.one", "beta.four", "alpha.app", "alpha.brief", "purpose: Test\n", "purpose: Test\nretain: PT3S\n"),
	} {
		raw, err := os.ReadFile(filepath.Join(agreements, "ding-eins.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(agreements, id+".yaml"), change.Replace(string(raw)))
	}
	writeFile(t, filepath.Join(dir, "adapters", "three.yaml"), "application: beta.three\nkind: unreliable\nsettings: {dir: drop/three}\n")
}

func rewriteFile(t *testing.T, path, old, now string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(raw), old) {
		t.Fatalf("%s has no %q: %v", path, old, err)
	}
	writeFile(t, path, strings.ReplaceAll(string(raw), old, now))
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// load is a publisher without a plan: each key draws its next events from the seed
// when those before are acknowledged, and nothing is kept, however long it runs.
// Up to maxBurst new events of a key are underway at a time, so that the hub has
// several of one key before it at once.
type load struct {
	*publisher
	seed  uint64
	keys  int
	begun atomic.Int64
	pace  <-chan time.Time      // one event each; nil: as fast as it goes
	tries []jetstream.JetStream // by how often it was tried: each waits longer, what is slow must not be sent again and again
}

const maxBurst = 8

// newLoad sends at most so many events.
func newLoad(t *testing.T, h *host, seed uint64, events, keys int) *load {
	t.Helper()
	l := &load{publisher: newPublisher(t, h, seed, 0, 0), seed: seed, keys: keys}
	l.events, l.acked, l.news = events, nil, map[uint64][]sent{}
	nc, _ := h.connect()
	for _, patient := range []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second} {
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncTimeout(patient), jetstream.WithPublishAsyncMaxPending(maxBurst*keys))
		if err != nil {
			t.Fatal(err)
		}
		l.tries = append(l.tries, js)
	}
	return l
}

// publishAll returns when all is acknowledged, or stop was called.
func (l *load) publishAll() {
	var wg sync.WaitGroup
	for k := range l.keys {
		wg.Go(func() {
			d := &drawer{k: k, r: rand.New(rand.NewPCG(l.seed, uint64(1000+k)))}
			for l.ctx.Err() == nil {
				some := d.burst()
				if n := int(l.begun.Add(int64(len(some)))) - l.events; n > 0 {
					some = some[:max(len(some)-n, 0)]
				}
				if len(some) == 0 {
					return
				}
				l.publishAsync(some)
			}
		})
	}
	wg.Wait()
	l.mu.Lock() // nobody waits for more
	l.cond.Broadcast()
	l.mu.Unlock()
}

// publishAsync repeats what has no acknowledgement until all have one. After a
// broken connection a later event may be stored before an earlier one: order is
// what the in stream says.
func (l *load) publishAsync(open []sent) {
	for range open {
		l.await()
	}
	for try := 0; len(open) > 0 && l.ctx.Err() == nil; try++ {
		js := l.tries[min(try, len(l.tries)-1)]
		futures := make([]jetstream.PubAckFuture, len(open))
		for i, s := range open {
			futures[i], _ = js.PublishMsgAsync(s.message())
		}
		var again []sent
		for i, f := range futures {
			if seq, err := l.outcome(f); err == nil {
				l.note(seq, open[i])
			} else {
				again = append(again, open[i])
			}
		}
		if len(again) == len(open) { // the hub is away
			select {
			case <-l.ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		open = again
	}
	if len(open) > 0 && errors.Is(l.ctx.Err(), context.DeadlineExceeded) {
		l.t.Errorf("publish %s: no acknowledgement", open[0].id)
	}
}

// await waits for the turn of one event.
func (l *load) await() {
	if l.pace == nil {
		return
	}
	select {
	case <-l.pace:
	case <-l.ctx.Done():
	}
}

// outcome waits for an acknowledgement; f is nil for what could not be sent.
func (l *load) outcome(f jetstream.PubAckFuture) (seq uint64, err error) {
	if f == nil {
		return 0, errors.New("not sent")
	}
	select {
	case ack := <-f.Ok():
		return ack.Sequence, nil
	case err := <-f.Err():
		return 0, err
	case <-l.ctx.Done():
		return 0, l.ctx.Err()
	}
}

// drawer draws the events of one key.
type drawer struct {
	k, n   int
	held   *sent // drawn, and for the next burst
	karte  bool  // the last was one
	r      *rand.Rand
	before *sent // the last that must be routed: what duplicates repeat
}

// burst draws new events up to the first that comes under an earlier identity,
// which goes alone: it must find that one stored.
func (d *drawer) burst() (out []sent) {
	for most := 1 + d.r.IntN(maxBurst); len(out) < most; {
		s := d.held
		if d.held = nil; s == nil {
			drawn := d.draw()
			s = &drawn
		}
		if s.repeats && len(out) > 0 {
			d.held = s
			return out
		}
		if out = append(out, *s); s.repeats {
			return out
		}
	}
	return out
}

func (d *drawer) draw() sent {
	s := sent{
		id: fmt.Sprintf("e-%d-%d", d.k, d.n), key: fmt.Sprintf("case-%d", d.k), n: d.n,
		app: "app", source: fmt.Sprintf("urn:test:alpha:case-%d", d.k),
		body: fmt.Sprintf(`{"n":%d,"text":"%s"}`, d.n, marker), typ: hubtest.Ding, want: "routed",
	}
	d.n++
	switch x := d.r.IntN(100); {
	case x < percentKarte, d.karte && x < 50: // in a row, so that the sink has to keep their order
		s.typ = karte
	case x < percentKarte+percentBrief:
		s.typ, s.app, s.source = brief, "brief", fmt.Sprintf("urn:test:brief:case-%d", d.k)
	}
	switch x := d.r.IntN(100); {
	case x < percentBad:
		s.body, s.want = fmt.Sprintf(`{"n":"not a number","text":"%s"}`, marker), "quarantined"
	case x < percentBad+percentNone:
		s.typ, s.app, s.source, s.want = hubtest.Niemand, "app", fmt.Sprintf("urn:test:alpha:case-%d", d.k), "unrouted"
	case x < percentBad+percentNone+percentDup && d.before != nil:
		s.again(d.before, d.before.body, "suppressed")
	case x < percentBad+percentNone+percentDup+percentClash && d.before != nil:
		s.again(d.before, s.body, "quarantined")
	}
	d.karte = s.typ == karte
	if s.want == "routed" {
		d.before = &s
	}
	return s
}

// again makes s one that comes under the identity of an earlier event.
func (s *sent) again(before *sent, body, want string) {
	s.id, s.typ, s.app, s.source = before.id, before.typ, before.app, before.source
	s.body, s.want, s.repeats = body, want, true
}

// placeOf reads key and place from the id of an event of a load.
func placeOf(id string) (key, place int, ok bool) {
	rest, ok := strings.CutPrefix(id, "e-")
	k, n, cut := strings.Cut(rest, "-")
	key, err := strconv.Atoi(k)
	place, err2 := strconv.Atoi(n)
	return key, place, ok && cut && err == nil && err2 == nil
}

// paced gives out rate tickets a second, and none while behind says that the hub
// has too much before it; a rate of 0 is as fast as the hub acknowledges.
func paced(t *testing.T, rate int, behind func() bool) <-chan time.Time {
	t.Helper()
	const beats = 50 // a second
	if rate == 0 {
		rate = 1 << 20
	}
	tickets := make(chan time.Time, max(1, rate/beats))
	tick, done := time.NewTicker(time.Second/beats), make(chan struct{})
	t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		defer tick.Stop()
		owed := 0
		for {
			select {
			case <-t.Context().Done():
				return
			case <-tick.C:
			}
			if behind() {
				continue
			}
			for owed += rate; owed >= beats; owed -= beats {
				select {
				case tickets <- time.Time{}:
				default: // the hub is slower
				}
			}
		}
	}()
	return tickets
}
