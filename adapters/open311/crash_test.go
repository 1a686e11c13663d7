package open311_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
)

// dying is an Intake whose memory fails at one Put, stored or not, and at every call
// after it, as for a process that has died.
type dying struct {
	*adaptertest.Intake
	hub.State

	mu     sync.Mutex
	left   int
	stores bool
	dead   bool
}

var errDied = errors.New("died")

func (d *dying) Publish(ctx context.Context, e hub.Event) error {
	if d.isDead() {
		return errDied
	}
	return d.Intake.Publish(ctx, e)
}

func (d *dying) isDead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

func (d *dying) Put(ctx context.Context, key string, value []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDied
	}
	if d.left--; d.left >= 0 {
		return d.State.Put(ctx, key, value)
	}
	d.dead = true
	if d.stores {
		return errors.Join(errDied, d.State.Put(ctx, key, value))
	}
	return errDied
}

// memoryOf lets dying be the State that it gives.
type memoryOf struct{ *dying }

func (m memoryOf) State() hub.State { return stateOf(m) }

type stateOf struct{ *dying }

// A death at each write of the source's memory: every step of two reports is told once,
// with the same content in each attempt.
func TestDeathAtEachWrite(t *testing.T) {
	for _, stores := range []bool{false, true} {
		for at := 0; ; at++ {
			if died := diesAt(t, at, stores); !died {
				if at < 5 {
					t.Errorf("there were only %d writes to die at", at)
				}
				break
			}
		}
	}
}

func diesAt(t *testing.T, at int, stores bool) (died bool) {
	t.Helper()
	c := newTown(t, open311sim.Settings{})
	in := adaptertest.NewIntake()
	s := c.settings("portal", anyRate, "sweep: 5ms")
	for n := range 2 {
		r := citizen
		r.ID = fmt.Sprint(n)
		c.put(t, r)
	}
	first := &dying{Intake: in, State: in.State(), left: at, stores: stores}
	until(t, c.source(t, s), memoryOf{first}, func() bool { return first.isDead() || len(in.Events()) == 2 })
	for n := range 2 {
		c.put(t, open311sim.Report{ID: fmt.Sprint(n), Status: "closed", Agency: "Bau", Updated: later(1)})
	}
	second := &dying{Intake: in, State: in.State(), left: at, stores: stores}
	until(t, c.source(t, s), memoryOf{second}, func() bool { return second.isDead() || len(in.Events()) == 6 })
	until(t, c.source(t, s), in, func() bool { return len(in.Events()) == 6 })
	c.rounds(t, c.source(t, s), in, 4)
	if got := len(in.Events()); got != 6 {
		t.Errorf("death at write %d (stored: %v): %d events: %s", at, stores, got, types(in.Events()))
	}
	if err := in.Breaches(); err != nil {
		t.Errorf("death at write %d (stored: %v): %v", at, stores, err)
	}
	return first.isDead() || second.isDead()
}

// A death between telling the hub of a forwarded report and noting that on disk: the
// same is told again under the same id.
func TestDeathBeforeTheRecord(t *testing.T) {
	c := newTown(t, open311sim.Settings{Services: []open311sim.Service{{Code: "ampel", Name: "Ampel", Type: "batch"}}})
	s := c.settings("forward", anyRate, "services: {schlagloch: ampel}")
	d := deliveryOf(1, forwardEvent(1, ""))
	if err := c.sink(t, s).Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.dir, "o", "forwarded", open311.RecordOf(d)+".json")
	in := adaptertest.NewIntake()
	for n, step := range []func(){
		func() {},
		func() { c.put(t, open311sim.Report{ID: "600001", Agency: "Bau", Updated: later(1)}) },
		func() { c.put(t, open311sim.Report{ID: "600001", Status: "closed", Updated: later(2)}) },
	} {
		step()
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := 2 + n // token and id at first
		play(t, c.source(t, s), in, want)
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
		c.rounds(t, c.source(t, s), in, 5)
		if got := len(in.Events()); got != want {
			t.Errorf("step %d: %d events: %s", n, got, types(in.Events()))
		}
		if err := in.Breaches(); err != nil {
			t.Error(err)
		}
	}
}

// A source that ends right after the hub took the event of a change, while the report
// changes again before the next one runs: each change is told once.
func TestChangesWhileDead(t *testing.T) {
	for _, mode := range []string{"portal", "forward"} {
		t.Run(mode, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{})
			s, in, id := c.settings(mode, anyRate, "sweep: 5ms"), adaptertest.NewIntake(), "600001"
			if mode == "portal" {
				id = c.put(t, citizen)
			} else if err := c.sink(t, s).Deliver(t.Context(), deliveryOf(1, forwardEvent(1, ""))); err != nil {
				t.Fatal(err)
			}
			play(t, c.source(t, s), in, 1)
			want := types(in.Events()) + " meldung-zugewiesen meldung-stand-geaendert meldung-geloest"
			c.put(t, open311sim.Report{ID: id, Agency: "Bau", Updated: later(1)})
			diesTelling(t, c.source(t, s), in)
			c.put(t, open311sim.Report{ID: id, Notes: "Termin steht.", Updated: later(2)})
			diesTelling(t, c.source(t, s), in)
			c.put(t, open311sim.Report{ID: id, Status: "closed", Updated: later(3)})
			diesTelling(t, c.source(t, s), in)
			c.rounds(t, c.source(t, s), in, 6)
			if got := types(in.Events()); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// diesTelling runs a source until an event that is new is stored; the source does not
// learn of it, and cannot remember anything any more.
func diesTelling(t *testing.T, src hub.Source, in *adaptertest.Intake) {
	t.Helper()
	before := len(in.Events())
	dead := &dying{Intake: in, State: in.State(), left: math.MaxInt}
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		if err := store(); err != nil || len(in.Events()) == before {
			return err
		}
		dead.mu.Lock()
		defer dead.mu.Unlock()
		dead.dead = true
		return errDied
	})
	defer in.Follow(nil)
	until(t, src, memoryOf{dead}, dead.isDead)
}
