package quarantine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

var errCrash = errors.New("the hub ends here")

// points are where an act can be cut off, in order.
var points = map[string][]string{
	decision.ActQuarantineResubmit: {"marked", "recorded", "acted", "left", ""},
	decision.ActQuarantineEdit:     {"marked", "recorded", "kept", "acted", "left", ""},
	decision.ActQuarantineReturn:   {"marked", "recorded", "acted", "left", ""},
	decision.ActQuarantineDiscard:  {"marked", "recorded", "acted", "left", ""},
}

func (w *world) refusedFor(act, id string) uint64 {
	w.t.Helper()
	if act == decision.ActQuarantineResubmit {
		return w.unrouted(id)
	}
	return w.invalid(id)
}

// TestActSurvivesACrashAnywhere ends the hub at each step of each act; the next one
// brings it to its end, once.
func TestActSurvivesACrashAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for act, at := range points {
		for i, point := range at {
			id := fmt.Sprintf("%s-%d", act, i)
			seq := w.refusedFor(act, id)
			c := w.newClerk()
			must(t, c.Work(t.Context(), WorkRequest{Name: WorkOfEvent(seq), Application: "alpha.app", Do: WorkNote, Text: "gesehen", Who: "test"}))
			reached := point == ""
			c.crash = func(p string) error {
				if p == point {
					reached = true
					return errCrash
				}
				return nil
			}
			_, _ = c.Act(t.Context(), w.request(act, seq, id))
			if !reached {
				t.Errorf("%s does not come by %q", act, point)
			}
			w.newClerk()
			stop := w.run()
			w.ended(act, seq, id)
			stop()
			if left, err := ReadWork(t.Context(), w.store, WorkOfEvent(seq)); err != nil || len(left.Notes) > 0 {
				t.Errorf("%s, cut off at %q: its notes are there: %v %v", act, point, left, err)
			}
		}
	}
}

// TestActAfterARestart: what is known of an event that had its end comes from the trail,
// and the same event sent again is no duplicate of what rests nowhere.
func TestActAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, act := range []string{decision.ActQuarantineReturn, decision.ActQuarantineDiscard} {
		seq := w.invalid(act)
		w.clerk.crash = func(p string) error {
			if p == "recorded" {
				return errCrash
			}
			return nil
		}
		_, _ = w.clerk.Act(t.Context(), w.request(act, seq, act))
		w.stop()
		w.start()
		stop := w.run()
		w.ended(act, seq, act)
		if again := w.invalid(act); again == seq {
			t.Error(act, "and sent again: it is not in quarantine anew")
		}
		stop()
		w.newClerk()
	}
}

// TestTwoStewards: of many who act on one event at the same time one is the first.
func TestTwoStewards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.unrouted("eins")
	w.run()
	await(t, "the clerk", func() bool { return w.clerk.marks() != nil })
	var group sync.WaitGroup
	var mu sync.Mutex
	did := 0
	for i, act := range []string{decision.ActQuarantineResubmit, decision.ActQuarantineReturn, decision.ActQuarantineDiscard, decision.ActQuarantineDiscard} {
		group.Go(func() {
			r := w.request(act, seq, "eins")
			r.Who = fmt.Sprintf("person-%d", i)
			_, err := w.clerk.Act(t.Context(), r)
			no, is := errors.AsType[*NotDone](err)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				did++
			case !is || no.Why != Gone && no.Why != Taken && no.Why != Superseded:
				t.Errorf("%s: %v", act, err)
			}
		})
	}
	group.Wait()
	w.settled()
	if n := w.acts(seq); did != 1 || n != 1 {
		t.Errorf("%d have acted, %d acts in the trail", did, n)
	}
	// the same once more, by the same person: nothing is wrong, nothing is done
	seq = w.invalid("zwei")
	r := w.request(decision.ActQuarantineDiscard, seq, "zwei")
	for range 3 {
		if _, err := w.clerk.Act(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
	w.ended(r.Act, seq, "zwei")
	r.Who = "jemand anders"
	if _, err := w.clerk.Act(t.Context(), r); !isWhy(err, Gone) {
		t.Error("another person afterwards:", err)
	}
}

// TestForgetWhileMarking: what is underway is to be read anew, or the clerk ends, just when
// another act is being marked. The act is done all the same.
func TestForgetWhileMarking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, during := range []func(){w.clerk.forget, func() { w.clerk.forget(); must(t, w.clerk.load(t.Context())) }} {
		id := fmt.Sprint(i)
		seq := w.invalid(id)
		w.clerk.crash = func(p string) error {
			if p == "judged" {
				during()
			}
			return nil
		}
		if _, err := w.clerk.Act(t.Context(), w.request(decision.ActQuarantineDiscard, seq, id)); err != nil {
			t.Error(err)
		}
		w.ended(decision.ActQuarantineDiscard, seq, id)
		must(t, w.clerk.load(t.Context()))
		if marks := w.clerk.marks(); marks == nil || len(marks) > 0 {
			t.Error("underway:", marks)
		}
	}
	// marked while what is underway is read
	w.clerk.forget()
	w.clerk.opened(&mark{Seq: 1})
	w.clerk.mu.Lock()
	missed := w.clerk.missed
	w.clerk.mu.Unlock()
	if !missed || w.clerk.marks() != nil {
		t.Error("a reading on its way would be taken for complete")
	}
	// who asked goes as soon as it is judged
	seq := w.invalid("gegangen")
	ctx, cancel := context.WithCancel(t.Context())
	w.newClerk().crash = func(p string) error {
		if p == "judged" {
			cancel()
		}
		return nil
	}
	if _, err := w.clerk.Act(ctx, w.request(decision.ActQuarantineDiscard, seq, "gegangen")); err != nil {
		t.Error(err)
	}
	w.ended(decision.ActQuarantineDiscard, seq, "gegangen")
}

func isWhy(err error, why Why) bool {
	no, ok := errors.AsType[*NotDone](err)
	return ok && no.Why == why
}

// TestSuperseded: what the sender has sent in the place of an event is not sent over.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.invalid("eins")
	good := hubtest.Event("eins", hubtest.Ding, "fall-eins", `{"n":2}`)
	_, err := w.b.Publish(t.Context(), good)
	must(t, err)
	await(t, "the correction", func() bool { return w.copies("eins") == 1 })
	for _, act := range []string{decision.ActQuarantineResubmit, decision.ActQuarantineEdit, decision.ActQuarantineReturn} {
		if _, err := w.clerk.Act(t.Context(), w.request(act, seq, "eins")); !isWhy(err, Superseded) && !isWhy(err, StillWrong) {
			t.Error(act, err)
		}
	}
	_, err = w.clerk.Act(t.Context(), w.request(decision.ActQuarantineDiscard, seq, "eins"))
	must(t, err)
	if seen, _ := w.index.Lookup(event.IdentityOf(hubtest.Source, "eins")); seen.Outcome != hub.Routed {
		t.Error("discarding the old one changed what is known of the new one:", seen.Outcome)
	}
	// the sender is sooner by a moment
	seq = w.invalid("zwei")
	w.clerk.crash = func(p string) error {
		if p == "recorded" {
			good := hubtest.Event("zwei", hubtest.Ding, "fall-zwei", `{"n":2}`)
			_, err := w.b.Publish(t.Context(), good)
			must(t, err)
			await(t, "the correction", func() bool { return w.copies("zwei") == 1 })
		}
		return nil
	}
	_, err = w.clerk.Act(t.Context(), w.request(decision.ActQuarantineEdit, seq, "zwei"))
	must(t, err)
	w.settled()
	ds := w.decisions("zwei")
	if last := ds[len(ds)-1]; w.copies("zwei") != 1 || last.Outcome != hub.Suppressed {
		t.Errorf("%d copies; the edited one was %s", w.copies("zwei"), last.Outcome)
	}
}

// TestReturnSuperseded: the sender is sooner between the look and the act: nothing goes
// back, and it is not told so.
func TestReturnSuperseded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.invalid("eins")
	w.clerk.crash = func(p string) error {
		if p == "marked" {
			_, err := w.b.Publish(t.Context(), hubtest.Event("eins", hubtest.Ding, "fall-eins", `{"n":2}`))
			must(t, err)
			await(t, "the correction", func() bool { return w.copies("eins") == 1 })
		}
		return nil
	}
	if _, err := w.clerk.Act(t.Context(), w.request(decision.ActQuarantineReturn, seq, "eins")); !isWhy(err, Superseded) {
		t.Error(err)
	}
	told := w.count(bus.Out, "out.alpha.post.>", func(m *event.Message) bool { return strings.Contains(string(m.Data), reason) })
	if m, err := w.b.Get(t.Context(), bus.Quarantine, seq); m == nil || err != nil || told != 0 || w.acts(seq) != 0 || len(w.clerk.marks()) != 0 {
		t.Errorf("told %d times, %d acts, %d underway; it lies there: %v", told, w.acts(seq), len(w.clerk.marks()), m != nil)
	}
}

// TestTooOld: when it is forgotten what became of an identity nothing goes out in the place
// of what its sender may have sent.
func TestTooOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := map[string]string{decision.ActQuarantineResubmit: "eins", decision.ActQuarantineEdit: "zwei", decision.ActQuarantineReturn: "drei"}
	seqs := map[string]uint64{}
	for act, id := range ids {
		seqs[act] = w.refusedFor(act, id)
	}
	later := time.Now().Add(index.Horizon + time.Hour)
	w.clerk.Now = func() time.Time { return later }
	w.index.Decided(1<<40, &decision.Decision{Source: hubtest.Source, ID: "spaeter", Outcome: hub.Routed, Decided: later})
	for act, seq := range seqs {
		if _, err := w.clerk.Act(t.Context(), w.request(act, seq, ids[act])); !isWhy(err, TooOld) {
			t.Error(act, err)
		}
	}
	_, err := w.clerk.Act(t.Context(), w.request(decision.ActQuarantineDiscard, seqs[decision.ActQuarantineEdit], "zwei"))
	must(t, err)
}

// TestNotDone: what cannot be done says why, and changes nothing.
func TestNotDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.invalid("eins")
	edit := func(text []byte) Request {
		return Request{Act: decision.ActQuarantineEdit, Seq: seq, Who: "test", Reason: reason, Edited: text}
	}
	mail := w.request(decision.ActQuarantineReturn, seq, "")
	mail.Reason = "fragen bei erika.mustermann@example.org"
	other := w.request(decision.ActQuarantineDiscard, seq, "")
	other.Application = "alpha.anderes"
	for name, c := range map[string]struct {
		r    Request
		want Why
	}{
		"unchanged, still wrong": {w.request(decision.ActQuarantineResubmit, seq, ""), StillWrong},
		"edited, still wrong":    {edit(edited("eins", `{"n":"x","m":1}`)), StillWrong},
		"no JSON":                {edit([]byte(`{"specversion":`)), StillWrong},
		"a foreign source":       {edit([]byte(strings.Replace(string(edited("eins", `{"n":1}`)), "alpha", "beta", 1))), Identity},
		"another id":             {edit(edited("zwei", `{"n":1}`)), Identity},
		"nothing edited":         {edit(edited("eins", `{"n":true}`)), Unchanged},
		"too large":              {edit(edited("eins", `{"n":1,"text":"`+strings.Repeat("x", MaxEdited)+`"}`)), TooLarge},
		"personal":               {mail, Personal},
		"another application":    {other, Gone},
		"not there":              {w.request(decision.ActQuarantineDiscard, seq+1000, ""), Gone},
	} {
		_, err := w.clerk.Act(t.Context(), c.r)
		if !isWhy(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if no, ok := errors.AsType[*NotDone](err); ok && name == "edited, still wrong" && len(no.Violations) < 2 {
			t.Errorf("only %v", no.Violations)
		}
	}
	if m, err := w.b.Get(t.Context(), bus.Quarantine, seq); m == nil || err != nil || w.acts(seq) != 0 {
		t.Error("something was done")
	}
}

// TestConflict: an event whose id is taken passes with another one; what is known of the
// first stays.
func TestConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.b.Publish(t.Context(), hubtest.Event("eins", hubtest.Ding, "k", `{"n":1}`))
	must(t, err)
	await(t, "the first", func() bool { return w.copies("eins") == 1 })
	conflict := func() uint64 { return w.refused(hubtest.Event("eins", hubtest.Ding, "k", `{"n":2}`)) }
	seq := conflict()
	same := Request{Act: decision.ActQuarantineEdit, Seq: seq, Who: "test", Reason: reason, Edited: edited("eins", `{"n":3}`)}
	if _, err := w.clerk.Act(t.Context(), same); !isWhy(err, Superseded) && !isWhy(err, StillWrong) {
		t.Error("with the same id:", err)
	}
	same.Edited = edited("neu", `{"n":2}`)
	_, err = w.clerk.Act(t.Context(), same)
	must(t, err)
	await(t, "the second", func() bool { return w.copies("neu") == 1 })
	seen, _ := w.index.Lookup(event.IdentityOf(hubtest.Source, "eins"))
	if seen.Outcome != hub.Routed || seen.Code == refusal.Discarded {
		t.Errorf("of the first is known %+v", seen)
	}
}

// TestUnreadable: what cannot be read is mended as text.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.refused(hubtest.Event("eins", hubtest.Ding, "fall-eins", `{"n":`))
	r := w.request(decision.ActQuarantineEdit, seq, "eins")
	_, err := w.clerk.Act(t.Context(), r)
	must(t, err)
	w.ended(r.Act, seq, "eins")
	if m, err := Original(t.Context(), w.b, seq); err != nil || m == nil || string(m.Data) != `{"n":` {
		t.Errorf("the original: %v %v", m, err)
	}
	w.clerk.Now = func() time.Time { return time.Now().Add(KeepOriginals + time.Hour) }
	must(t, w.clerk.sweep(t.Context()))
	if m, err := Original(t.Context(), w.b, seq); err != nil || m != nil {
		t.Errorf("the original after its time: %v %v", m, err)
	}
}
