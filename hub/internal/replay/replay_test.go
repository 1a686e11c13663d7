package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// TestReplay: after a second person's word each copy goes once more, marked, in order
// per key, to its receiver alone.
func TestReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(20)...)
	e, _ := w.engine(nil)
	id := w.ask(e, decision.ReplayScope{})
	w.flows(ding(99, `{"n":99}`)) // after the request: not part of it
	r, _ := e.Find(id)
	if got := r.Expected; !maps.Equal(got, decision.ReplayCounts{decision.ReplayGoes: 20}) || r.State(w.now()) != Requested {
		t.Fatalf("the request holds %v in state %s", got, r.State(w.now()))
	}
	for _, same := range []By{anna, {Who: "ANNA"}, {Who: "another name", Person: "1"}, {}} {
		if err := e.Approve(t.Context(), id, same); !errors.Is(err, ErrSamePerson) {
			t.Errorf("%+v approved her own request: %v", same, err)
		}
		if err := e.Reject(t.Context(), id, same, "nein"); !errors.Is(err, ErrSamePerson) {
			t.Errorf("%+v rejected her own request: %v", same, err)
		}
	}
	if n := len(w.replayed()); n != 0 {
		t.Fatalf("%d copies before the approval", n)
	}
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	if err := e.Approve(t.Context(), id, By{Who: "carla"}); !errors.Is(err, ErrState) {
		t.Errorf("approved twice: %v", err)
	}
	r = w.becomes(e, id, Done)
	if !maps.Equal(r.Counts, decision.ReplayCounts{decision.ReplayGoes: 20}) || !maps.Equal(w.decided(id), r.Counts) {
		t.Errorf("it counted %v, the trail says %v", r.Counts, w.decided(id))
	}
	w.exactly(id, 20)
	if err := e.Cancel(t.Context(), id, anna, "zu spät"); !errors.Is(err, ErrState) {
		t.Errorf("cancelled after its end: %v", err)
	}
}

// exactly wants the first n dings at beta.one, each once, marked and in order per key.
func (w *world) exactly(id string, n int) {
	w.t.Helper()
	got, last := map[string]bool{}, map[string]uint64{}
	for _, m := range w.replayed() {
		ev, refused := accept.Decode(m)
		if refused != nil {
			w.t.Fatal(refused)
		}
		first := fmt.Sprintf("%s-%s-beta.one", m.Get(event.HeaderIn), m.Get(event.HeaderSeq))
		if m.Subject != "out.beta.one."+hubtest.Ding+".replay-"+id || ev.Attributes.Value(hub.AttrReplay) != id || m.Get(event.HeaderDelivery) != first+"-"+id {
			w.t.Errorf("%s at %s is marked %q", m.Get(event.HeaderDelivery), m.Subject, ev.Attributes.Value(hub.AttrReplay))
		}
		if got[ev.ID()] {
			w.t.Errorf("%s went twice", ev.ID())
		}
		got[ev.ID()] = true
		var seq uint64
		_, _ = fmt.Sscan(m.Get(event.HeaderSeq), &seq)
		if seq < last[ev.Key()] {
			w.t.Errorf("%s overtook another of its key", ev.ID())
		}
		last[ev.Key()] = seq
	}
	if len(got) != n {
		w.t.Errorf("%d of %d copies went", len(got), n)
	}
}

// TestReplayChecksAgain: what counts is the directory in force when an event's turn
// comes: an agreement that has left, a block, fewer fields.
func TestReplayChecksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gated)
	w.flows(append(dings(2), ding(2, `{"n":2,"sperre":true}`), ding(3, `{"n":3,"sperre":false}`))...)
	e, _ := w.engine(nil)
	for _, tc := range []struct {
		name string
		edit []func(testing.TB, string)
		want decision.ReplayCounts
	}{
		{"block", []func(testing.TB, string){blocked}, decision.ReplayCounts{decision.ReplayGoes: 3, decision.ReplayNotAdmitted: 1}},
		{"withdrawn", []func(testing.TB, string){gated, without}, decision.ReplayCounts{decision.ReplayNotAdmitted: 4}},
		{"sender gone", []func(testing.TB, string){gated, senderGone}, decision.ReplayCounts{decision.ReplayInvalid: 4}},
		{"field gone", nil, decision.ReplayCounts{decision.ReplayGoes: 2, decision.ReplayInvalid: 2}},
	} {
		w.use(gated)
		id := w.ask(e, decision.ReplayScope{})
		if r, _ := e.Find(id); r.Expected[decision.ReplayGoes] != 4 {
			t.Errorf("%s: expected %v", tc.name, r.Expected)
		}
		w.use(tc.edit...)
		if look, err := e.DryRun(t.Context(), decision.ReplayScope{Application: "beta.one"}, 0); err != nil || !maps.Equal(look.Counts, tc.want) {
			t.Errorf("%s: the dry run finds %v, %v", tc.name, look.Counts, err)
		}
		if err := e.Approve(t.Context(), id, berta); err != nil {
			t.Fatal(err)
		}
		if r := w.becomes(e, id, Done); !maps.Equal(r.Counts, tc.want) || !maps.Equal(w.decided(id), tc.want) {
			t.Errorf("%s: %v, in the trail %v", tc.name, r.Counts, w.decided(id))
		}
	}
	w.use(gated, cutting)
	before := len(w.replayed())
	id := w.ask(e, decision.ReplayScope{Case: "k1"})
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	w.becomes(e, id, Done)
	if made := w.replayed()[before:]; len(made) != 1 || string(made[0].Data) != `{"n":1}` {
		t.Errorf("cut as the agreement says now: %d copies, %s", len(made), made[0].Data)
	}
}

// senderGone gives the sender's sources to nobody.
func senderGone(tb testing.TB, dir string) {
	tb.Helper()
	edit(tb, dir+"/organisations/alpha.yaml", `"urn:test:alpha"`, `"urn:test:andere"`)
}

// TestReplayReachesNoFurther: what is beyond keep or removed does not go, nor anything
// out of scope.
func TestReplayReachesNoFurther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(6)...)
	e, stop := w.engine(nil)
	look := func(s decision.ReplayScope) decision.ReplayCounts {
		t.Helper()
		s.Application = "beta.one"
		l, err := e.DryRun(t.Context(), s, 0)
		if err != nil {
			t.Fatal(err)
		}
		return l.Counts
	}
	for name, tc := range map[string]struct {
		scope decision.ReplayScope
		want  uint64
	}{
		"case": {decision.ReplayScope{Case: "k1"}, 2}, "other case": {decision.ReplayScope{Case: "x"}, 0},
		"type": {decision.ReplayScope{Type: hubtest.Ding}, 6}, "other type": {decision.ReplayScope{Type: hubtest.Niemand}, 0},
		"sender": {decision.ReplayScope{Sender: "alpha.app"}, 6}, "other sender": {decision.ReplayScope{Sender: "beta.app"}, 0},
		"agreement": {decision.ReplayScope{Agreement: "ding-eins"}, 6}, "other's agreement": {decision.ReplayScope{Agreement: "ding-zwei"}, 0},
		"until":     {decision.ReplayScope{To: time.Now().Add(-time.Hour)}, 0},
		"from then": {decision.ReplayScope{From: time.Now().Add(time.Hour)}, 0},
	} {
		if got := look(tc.scope)[decision.ReplayGoes]; got != tc.want {
			t.Errorf("%s: %d instead of %d", name, got, tc.want)
		}
	}
	for _, s := range []decision.ReplayScope{{Application: "alpha.app"}, {Application: "beta.none"}, {Application: "beta.one", From: time.Unix(9, 0), To: time.Unix(8, 0)}} {
		if _, err := e.DryRun(t.Context(), s, 0); !errors.Is(err, ErrScope) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if l, err := e.DryRun(t.Context(), decision.ReplayScope{Application: "beta.one"}, 2); err != nil || l.Whole || l.Counts[decision.ReplayGoes] != 2 {
		t.Errorf("bounded: %+v, %v", l, err)
	}
	if err := w.bus.Delete(t.Context(), "IN_alpha", 1); err != nil {
		t.Fatal(err)
	}
	if got := look(decision.ReplayScope{}); !maps.Equal(got, decision.ReplayCounts{decision.ReplayGoes: 5, decision.ReplayRemoved: 1}) {
		t.Errorf("one is removed: %v", got)
	}
	from := time.Now().Add(-time.Hour)
	w.plus.Store(int64(8 * 24 * time.Hour))
	if got := look(decision.ReplayScope{From: from}); !maps.Equal(got, decision.ReplayCounts{decision.ReplayBeyondKeep: 6}) {
		t.Errorf("after eight days: %v", got)
	}
	w.plus.Store(0)
	stop()

	// decided, and gone before it was carried out
	crashed := make(chan struct{})
	e, stop = w.engine(func(at string, end func()) {
		if at == "decided" {
			end()
			close(crashed)
		}
	})
	id := w.ask(e, decision.ReplayScope{})
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	<-crashed
	stop()
	if err := w.bus.Delete(t.Context(), "IN_alpha", 2); err != nil {
		t.Fatal(err)
	}
	e, _ = w.engine(nil)
	want := decision.ReplayCounts{decision.ReplayGoes: 4, decision.ReplayRemoved: 2}
	if r := w.becomes(e, id, Done); !maps.Equal(r.Counts, want) || !maps.Equal(w.decided(id), want) || len(w.replayed()) != 4 {
		t.Errorf("counted %v, in the trail %v, %d copies", r.Counts, w.decided(id), len(w.replayed()))
	}
}

// TestReplayCancel: a request and a replay can be cancelled by who wanted it; nothing
// comes after that. A request that nobody approves lapses.
func TestReplayCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(9)...)
	var e *Engine
	ids := make(chan string, 1)
	e, stop := w.engine(func(at string, _ func()) {
		if at == "stored" {
			select {
			case id := <-ids:
				if err := e.Cancel(context.Background(), id, anna, "es reicht"); err != nil {
					t.Error(err)
				}
			default:
			}
		}
	})
	scope := decision.ReplayScope{Application: "beta.one"}
	id, err := e.Request(t.Context(), anna, Wish{Scope: scope, Rate: 1, Reason: "Verlust"})
	if err != nil {
		t.Fatal(err)
	}
	ids <- id
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	if r := w.becomes(e, id, Cancelled); r.Counts[decision.ReplayGoes] != 1 || len(w.replayed()) != 1 {
		t.Errorf("%v went before it was cancelled, %d copies", r.Counts, len(w.replayed()))
	}
	other := w.ask(e, decision.ReplayScope{})
	if err := e.Cancel(t.Context(), other, anna, "doch nicht"); err != nil {
		t.Fatal(err)
	}
	third, fourth := w.ask(e, decision.ReplayScope{}), w.ask(e, decision.ReplayScope{})
	if err := e.Reject(t.Context(), third, berta, "zu viel"); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{other, third, id} {
		if err := e.Approve(t.Context(), gone, berta); !errors.Is(err, ErrState) {
			t.Errorf("approved when it was over: %v", err)
		}
	}
	w.plus.Store(int64(LapsesAfter + time.Hour))
	if err := e.Approve(t.Context(), fourth, berta); !errors.Is(err, ErrState) {
		t.Errorf("a lapsed request was approved: %v", err)
	}
	w.plus.Store(0)
	if err := e.Approve(t.Context(), "unknown", berta); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	for _, bad := range []Wish{{Scope: scope, Rate: 0, Reason: "x"}, {Scope: scope, Rate: MaxRate + 1, Reason: "x"}, {Scope: scope, Rate: 1}} {
		if _, err := e.Request(t.Context(), anna, bad); !errors.Is(err, ErrScope) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	stop() // another process knows the same
	e, _ = w.engine(nil)
	for id, want := range map[string]State{id: Cancelled, other: Cancelled, third: Rejected, fourth: Requested} {
		if r, ok := e.Find(id); !ok || r.State(w.now()) != want {
			t.Errorf("after a restart it is %v instead of %s", r, want)
		}
	}
	if len(w.replayed()) != 1 || len(e.Runs()) != 4 {
		t.Errorf("%d copies of %d replays", len(w.replayed()), len(e.Runs()))
	}
}

// TestReplayWaitsForRoom: a replay leaves half of a mailbox to what comes live, waits
// meanwhile, and asks the agreements anew when it goes on.
func TestReplayWaitsForRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(4)...)
	limit := int64(1)
	w.boxes = &quota.Book{Bus: w.bus, Total: 1 << 30, Limit: func(string) int64 { return limit }, Log: zap.NewNop()}
	if err := w.boxes.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	var judging, full atomic.Int64
	e, _ := w.engine(func(at string, _ func()) {
		switch at {
		case "judging":
			judging.Add(1)
		case "full":
			full.Add(1)
		}
	})
	id := w.ask(e, decision.ReplayScope{})
	if err := e.Approve(t.Context(), id, berta); err != nil {
		t.Fatal(err)
	}
	w.await("it to wait for some rounds", func() bool { return full.Load() > 2 })
	if n := judging.Load(); n != 1 {
		t.Errorf("it judged %d times while there was no room", n)
	}
	w.await("it to wait", func() bool { r, _ := e.Find(id); return r.Waits })
	if n := len(w.replayed()); n != 0 {
		t.Errorf("%d copies in a full mailbox", n)
	}
	w.use(without)
	taken := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	go func() {
		defer close(taken)
		_ = w.bus.HandOut(ctx, "beta.one", func(c *bus.Copy) {
			if err := c.Ack(ctx); err != nil {
				t.Error(err)
			}
			if n++; n == 4 {
				cancel()
			}
		})
	}()
	<-taken
	w.await("the mailbox to be empty", func() bool { return w.boxes.Look(t.Context()) == nil && w.boxes.Room("beta.one", 1) })
	if r := w.becomes(e, id, Done); r.Counts[decision.ReplayNotAdmitted] != 4 {
		t.Errorf("after it has waited: %v", r.Counts)
	}
}

// TestReplaysOneAfterTheOther: of one receiver, in the order of their approval.
func TestReplaysOneAfterTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flows(dings(4)...)
	held, gate := make(chan struct{}), make(chan struct{})
	first := true
	e, _ := w.engine(func(at string, _ func()) {
		if at == "deciding" && first {
			first = false
			close(held)
			<-gate
		}
	})
	a, b := w.ask(e, decision.ReplayScope{}), w.ask(e, decision.ReplayScope{})
	if err := e.Approve(t.Context(), b, berta); err != nil {
		t.Fatal(err)
	}
	<-held
	if err := e.Approve(t.Context(), a, berta); err != nil {
		t.Fatal(err)
	}
	if r, _ := e.Find(a); !r.Queued {
		t.Error("the second one does not wait for its turn")
	}
	if r, _ := e.Find(b); r.Queued {
		t.Error("the first one waits for its turn")
	}
	close(gate)
	w.becomes(e, a, Done)
	made := w.replayed()
	if len(made) != 8 || made[0].Get(event.HeaderReplay) != b || made[7].Get(event.HeaderReplay) != a {
		t.Errorf("%d copies, of %s first", len(made), made[0].Get(event.HeaderReplay))
	}
}
