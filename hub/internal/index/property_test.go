package index

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// plain is what an index must answer: maps, and nothing forgotten on the way.
type plain struct {
	seen   map[string]Seen
	newest time.Time
	copies map[string]map[uint64]decision.Result
	floor  map[string]uint64
}

func (p *plain) known(id string) (Seen, bool) {
	s, ok := p.seen[id]
	if !ok || s.At.Before(p.newest.Add(-Horizon)) {
		return Seen{}, false
	}
	return s, true
}

func (p *plain) decided(d *decision.Decision) {
	if !d.Remembered() {
		return
	}
	if d.Code == refusal.Conflict {
		s, _ := p.known(d.ID)
		s.Conflict = d.Digest
		p.seen[d.ID] = s
	} else {
		p.seen[d.ID] = Seen{Digest: d.Digest, Outcome: d.Outcome, Code: d.Code, Ref: d.Place(), At: d.Decided}
	}
	if d.Decided.After(p.newest) {
		p.newest = d.Decided
	}
}

func (p *plain) isDone(box string, out uint64) bool {
	switch p.copies[box][out] {
	case decision.Parked:
		return false
	case decision.Done:
		return true
	}
	return p.copies[box] != nil && out <= p.floor[box]
}

// world is an index at work, the trail as far as it was told of it, and what it
// must answer.
type world struct {
	t     *rapid.T
	tmp   string
	n     int
	x     *Index
	trail []any // *decision.Decision or *decision.Delivery, from sequence 1
	now   time.Time
	must  plain
}

func (w *world) tell(record any, seq int) {
	switch r := record.(type) {
	case *decision.Decision:
		w.x.Decided(uint64(seq), r)
	case *decision.Delivery:
		w.x.Delivered(r, uint64(seq))
	}
}

// open opens a directory as the next process does, and reads on.
func (w *world) open(dir string) {
	x, err := Open(dir, Options{Batch: rapid.SampledFrom([]int{1, 3, 20}).Draw(w.t, "batch"), MemTable: 16 << 10, Cache: 1 << 20})
	if err != nil {
		w.t.Fatal(err)
	}
	w.x = x
	for i := int(x.Applied()); i < len(w.trail); i++ {
		w.tell(w.trail[i], i+1)
	}
	for box, floor := range w.must.floor { // as JetStream says again
		x.Floor(box, floor)
	}
}

func (w *world) dir() string {
	w.n++
	return filepath.Join(w.tmp, fmt.Sprint(w.n))
}

func (w *world) close() {
	if err := w.x.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// kill leaves the files as they lie there.
func (w *world) kill() {
	dir := w.dir()
	copyLive(w.t, w.x.disk.dir, dir)
	w.close()
	w.open(dir)
}

// damage is a kill that leaves one file damaged.
func (w *world) damage() {
	dir := w.dir()
	copyLive(w.t, w.x.disk.dir, dir)
	w.close()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	path := rapid.SampledFrom(files).Draw(w.t, "file")
	raw, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range raw {
		if i%64 == 32 || i == len(raw)-1 {
			raw[i] ^= 0x21
		}
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.open(dir)
	if w.check() != "" && w.x.Err() != nil { // found while at work: the hub starts again
		_ = w.x.Close()
		w.open(dir)
	}
}

func (w *world) decide() {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 100).Draw(w.t, "hours")) * time.Hour)
	d := &decision.Decision{
		In: rapid.SampledFrom([]string{"IN_a", "EDGE_a"}).Draw(w.t, "in"), Seq: uint64(len(w.trail)), Source: "s",
		ID: fmt.Sprint(rapid.IntRange(0, 12).Draw(w.t, "id")), Decided: w.now,
		Outcome: rapid.SampledFrom([]hub.Outcome{hub.Routed, hub.Quarantined, hub.Unrouted, hub.Parked, hub.Suppressed}).Draw(w.t, "outcome"),
		Digest:  rapid.SampledFrom([]string{"a", fmt.Sprintf("%064x", 7), fmt.Sprintf("%064X", 0xabcdef)}).Draw(w.t, "digest"),
	}
	if d.Outcome == hub.Quarantined {
		d.Code = rapid.SampledFrom([]refusal.Code{refusal.Conflict, refusal.NoAgreement, refusal.SourceNotAllowed}).Draw(w.t, "code")
	}
	w.trail = append(w.trail, d)
	w.must.decided(d)
}

func (w *world) deliver() {
	d := &decision.Delivery{
		Mailbox: rapid.SampledFrom([]string{"a.b", "a.bc"}).Draw(w.t, "mailbox"), Out: rapid.Uint64Range(1, 200).Draw(w.t, "out"),
		Result: rapid.SampledFrom([]decision.Result{decision.Done, decision.Parked}).Draw(w.t, "result"),
	}
	if w.must.isDone(d.Mailbox, d.Out) { // an end is an end
		d.Result = decision.Done
	}
	if w.must.copies[d.Mailbox] == nil {
		w.must.copies[d.Mailbox] = map[uint64]decision.Result{}
	}
	w.must.copies[d.Mailbox][d.Out] = d.Result
	w.trail = append(w.trail, d)
}

// some appends to the trail and tells of it, as a lane and the recorder of
// outcomes do: each in order, but the outcomes from some place on late.
func (w *world) some() {
	from := len(w.trail)
	for range rapid.IntRange(1, 30).Draw(w.t, "records") {
		if rapid.Bool().Draw(w.t, "decision") {
			w.decide()
		} else {
			w.deliver()
		}
	}
	late := rapid.IntRange(from, len(w.trail)).Draw(w.t, "told late")
	for i, r := range w.trail[from:] {
		if _, isDecision := r.(*decision.Decision); isDecision || from+i < late {
			w.tell(r, from+i+1)
		}
	}
	for i, r := range w.trail[late:] {
		if _, isDecision := r.(*decision.Decision); !isDecision {
			w.tell(r, late+i+1)
		}
	}
}

func (w *world) floor() {
	box := rapid.SampledFrom([]string{"a.b", "a.bc"}).Draw(w.t, "mailbox")
	if w.must.copies[box] == nil {
		return
	}
	w.must.floor[box] = max(w.must.floor[box], rapid.Uint64Range(1, 200).Draw(w.t, "floor"))
	w.x.Floor(box, w.must.floor[box])
}

// check compares all answers; "" when they are as they must be.
func (w *world) check() string {
	for i := range 14 {
		id := fmt.Sprint(i)
		got, ok := w.x.Lookup(event.IdentityOf("s", id))
		want, known := w.must.known(id)
		if ok != known || cmp.Diff(want, got) != "" {
			return fmt.Sprintf("%s is known %v, must be %v: %s", id, ok, known, cmp.Diff(want, got))
		}
	}
	for _, box := range []string{"a.b", "a.bc"} {
		for out := range uint64(201) {
			if got := w.x.IsDone(box, out); got != w.must.isDone(box, out) {
				return fmt.Sprintf("copy %d of %s is done: %v", out, box, got)
			}
		}
	}
	if w.x.Applied() != uint64(len(w.trail)) {
		return fmt.Sprintf("applied is %d, must be %d", w.x.Applied(), len(w.trail))
	}
	return ""
}

// TestAnyLife: whatever is decided and delivered, and however the index is
// closed, killed, damaged and built anew meanwhile, it answers as maps would that
// hold all of the trail.
func TestAnyLife(t *testing.T) {
	tmp := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		w := &world{t: rt, tmp: filepath.Join(tmp, fmt.Sprint(runs)), now: day0, must: plain{
			seen: map[string]Seen{}, copies: map[string]map[uint64]decision.Result{}, floor: map[string]uint64{},
		}}
		defer func() { _ = os.RemoveAll(w.tmp) }()
		w.open(w.dir())
		defer func() { _ = w.x.Close() }()
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			step := rapid.SampledFrom([]string{"some", "some", "some", "floor", "restart", "kill", "damage", "rebuild", "forget"}).Draw(rt, "step")
			switch step {
			case "some":
				w.some()
			case "floor":
				w.floor()
			case "restart":
				w.close()
				w.open(w.x.disk.dir)
			case "kill":
				w.kill()
			case "damage":
				w.damage()
			case "rebuild":
				w.close()
				w.open(w.dir())
			case "forget":
				w.x.halt()
				w.x.commit()
				w.x.forget(rapid.IntRange(1, 20).Draw(rt, "entries"))
				w.x.resume()
			}
			if wrong := w.check(); wrong != "" {
				rt.Fatalf("after %s: %s", step, wrong)
			}
		}
	})
}

// resume starts the goroutine that halt ended.
func (x *Index) resume() {
	x.disk.stop = make(chan struct{})
	x.disk.wg.Go(func() { x.write(x.disk.stop) })
}
