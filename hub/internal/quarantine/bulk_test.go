package quarantine

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

func (w *world) group(n int) (r RunRequest, seqs []uint64) {
	w.t.Helper()
	for i := range n {
		seqs = append(seqs, w.unrouted(fmt.Sprintf("e%d", i)))
	}
	return RunRequest{
		Name: NewRun(), Act: decision.ActQuarantineResubmit, Application: "alpha.app", Code: refusal.NoAgreement, UpTo: seqs[n-1], Total: uint64(n),
		Who: "test", Reason: reason,
	}, seqs
}

func (w *world) left() int { return w.count(bus.Quarantine, "quarantine.alpha.app.no-agreement", nil) }

func (w *world) over() *Progress {
	for _, p := range w.clerk.Runs() {
		if !p.Ended.IsZero() {
			return &p
		}
	}
	return nil
}

// TestRunIsStopped: a run that a person stops ends between two events.
func TestRunIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _ := w.group(5)
	later := w.unrouted("spaeter")
	var steps atomic.Int32
	w.clerk.crash = func(p string) error {
		if p == "run" && steps.Add(1) == 3 {
			return w.clerk.Stop(t.Context(), r.Name, "andere", reason)
		}
		return nil
	}
	w.run()
	await(t, "the clerk", func() bool { return w.clerk.marks() != nil })
	must(t, w.clerk.Start(t.Context(), r))
	must(t, w.clerk.Start(t.Context(), r)) // sent twice
	other := r
	other.Name = NewRun()
	if err := w.clerk.Start(t.Context(), other); err != nil && !isWhy(err, Taken) {
		t.Error("a second run over the same group:", err)
	}
	await(t, "the run to stop", func() bool { return w.over() != nil })
	p := w.over()
	if !p.Stopped || p.Done != 3 || w.left() != 3 {
		t.Errorf("stopped: %+v; %d left", p, w.left())
	}
	for _, act := range []string{decision.ActBulk, decision.ActBulkStop, decision.ActBulkEnd} {
		if n := w.count(bus.Trail, "trail.act."+act+".>", nil); n != 1 {
			t.Errorf("%d records of %s", n, act)
		}
	}
	must(t, w.clerk.Start(t.Context(), r)) // it has run
	if err := w.clerk.Stop(t.Context(), r.Name, "andere", reason); !isWhy(err, Gone) {
		t.Error("stopped again:", err)
	}
	if m, err := w.b.Get(t.Context(), bus.Quarantine, later); m == nil || err != nil {
		t.Error("what came later was part of it")
	}
}

// TestRunGoesOn: a run that a restart cuts off goes on, and what does not pass stays.
func TestRunGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, seqs := w.group(5)
	_, err := w.clerk.Act(t.Context(), w.request(decision.ActQuarantineDiscard, seqs[4], ""))
	must(t, err)
	var steps atomic.Int32
	w.clerk.crash = func(p string) error {
		if p == "run" && steps.Add(1) >= 3 {
			return errCrash
		}
		return nil
	}
	stop := w.run()
	await(t, "the clerk", func() bool { return w.clerk.marks() != nil })
	must(t, w.clerk.Start(t.Context(), r))
	await(t, "the run to break off", func() bool { return steps.Load() >= 3 })
	stop()
	w.stop()
	w.start()
	w.run()
	await(t, "the run to end", func() bool { return w.over() != nil })
	if p := w.over(); p.Stopped || p.Done != 5 || p.Left != 0 || w.left() != 0 {
		t.Errorf("ended: %+v; %d left", p, w.left())
	}
	w.settled()
	for i := range 4 {
		if n := w.copies(fmt.Sprintf("e%d", i)); n != 1 {
			t.Errorf("%d copies of %d", n, i)
		}
	}
}

// TestRunThatHasEnded: a crash between the record of a run's end and its removal; what
// stayed is not touched by it any more.
func TestRunThatHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, _ := w.group(2)
	r.UpTo = 1 << 60 // as a form might say
	w.version.Store(w.none)
	broke := make(chan struct{}, 100)
	w.clerk.crash = func(p string) error {
		if p == "run ended" {
			broke <- struct{}{}
			return errCrash
		}
		return nil
	}
	stop := w.run()
	await(t, "the clerk", func() bool { return w.clerk.marks() != nil })
	must(t, w.clerk.Start(t.Context(), r))
	<-broke
	stop()
	w.version.Store(w.full) // now it would pass
	w.newClerk()
	w.run()
	await(t, "the run to end", func() bool { return w.over() != nil })
	end, err := w.b.LastSeq(t.Context(), bus.Quarantine)
	if p := w.over(); err != nil || w.left() != 2 || p.UpTo > end {
		t.Errorf("%d left of 2, up to %d of %d %v", w.left(), p.UpTo, end, err)
	}
	if n := w.count(bus.Quarantine, runRoot+"*", nil); n != 0 {
		t.Errorf("%d runs are stored", n)
	}
}

// TestRunLeavesWhatDoesNotPass: it stays, and the run says why.
func TestRunLeavesWhatDoesNotPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.invalid("eins")
	w.run()
	await(t, "the clerk", func() bool { return w.clerk.marks() != nil })
	must(t, w.clerk.Start(t.Context(), RunRequest{
		Name: NewRun(), Act: decision.ActQuarantineResubmit, Application: "alpha.app", Code: refusal.SchemaInvalid, UpTo: seq, Total: 1, Who: "test", Reason: reason,
	}))
	await(t, "the run to end", func() bool { return w.over() != nil })
	if p := w.over(); p.Done != 0 || p.Left != 1 || p.Why[StillWrong] != 1 {
		t.Errorf("ended: %+v", p)
	}
}

// TestWork: who looks after an event is kept, in the trail without the text of a note,
// and goes with the event.
func TestWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seq := w.invalid("eins")
	name := WorkOfEvent(seq)
	for _, r := range []WorkRequest{
		{Do: WorkTake}, {Do: WorkDue, Due: "2026-12-31"}, {Do: WorkNote, Text: "Absender gefragt"}, {Do: WorkHand, To: "Team Melderecht"},
	} {
		r.Name, r.Application, r.Who = name, "alpha.app", "test"
		must(t, w.clerk.Work(t.Context(), r))
	}
	for _, r := range []WorkRequest{{Do: WorkDue, Due: "morgen"}, {Do: "x"}, {Do: WorkNote, Text: "IdNr 12 345 678 901"}, {Do: WorkHand, To: "erika@example.org"}} {
		r.Name, r.Application = name, "alpha.app"
		if err := w.clerk.Work(t.Context(), r); err == nil {
			t.Errorf("%+v was done", r)
		}
	}
	got, err := ReadWork(t.Context(), w.store, name)
	if err != nil || got.Owner != "Team Melderecht" || got.Due != "2026-12-31" || len(got.Notes) != 1 || got.Notes[0].Text != "Absender gefragt" {
		t.Errorf("%+v %v", got, err)
	}
	if n := w.count(bus.Trail, "trail.act."+decision.ActWork+".>", nil); n != 4 {
		t.Errorf("%d records", n)
	}
	_, err = w.clerk.Act(t.Context(), w.request(decision.ActQuarantineDiscard, seq, ""))
	must(t, err)
	if got, err := ReadWork(t.Context(), w.store, name); err != nil || got.Owner != "" {
		t.Errorf("when the event is gone: %+v %v", got, err)
	}
	if err := w.clerk.Work(t.Context(), WorkRequest{Name: name, Application: "alpha.app", Who: "test", Do: WorkTake}); !isWhy(err, Gone) {
		t.Error("work on what is gone:", err)
	}
}
