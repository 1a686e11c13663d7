package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// scene is one foreign system with the hub's side of it: the source under test
// is started and stopped in it, the Intake stays.
type scene struct {
	SourceCase
	Origin
	in   *Intake
	door hub.Intake // what the source is given: in, or the way to it
	puts []Want     // what must come of everything put, in order
	next int        // number of the next good input
}

func newScene(t testing.TB, c SourceCase) *scene {
	t.Helper()
	s := &scene{SourceCase: c, Origin: c.New(t), in: NewIntake()}
	s.door = s.in
	if c.far {
		s.door = farIntake(t, s.in)
	}
	return s
}

// put puts n further good inputs.
func (s *scene) put(n int) error {
	for range n {
		input := s.Input(s.next)
		s.next++
		if len(input.Want) == 0 {
			return fmt.Errorf("SourceCase: good input %d wants no event", s.next-1)
		}
		if err := input.Put(); err != nil {
			return fmt.Errorf("put input %d: %w", s.next-1, err)
		}
		s.puts = append(s.puts, input.Want...)
	}
	return nil
}

// running is a source in the hands of a hub that starts Run again when it fails.
type running struct {
	scene  *scene
	cancel context.CancelFunc
	end    chan error
}

const (
	maxRestarts  = 1000
	restartDelay = 5 * time.Millisecond
)

// start makes a source, as a start of the hub does, and runs it.
func (s *scene) start(t testing.TB) (*running, error) {
	t.Helper()
	source, err := s.Source()
	if err != nil {
		return nil, fmt.Errorf("make the source: %w", err)
	}
	return s.runSource(t, source), nil
}

func (s *scene) runSource(t testing.TB, source hub.Source) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{scene: s, cancel: cancel, end: make(chan error, 1)}
	s.in.attach(source)
	go func() { r.end <- supervise(ctx, source, s.door) }()
	return r
}

// supervise does what the hub does with a source.
func supervise(ctx context.Context, source hub.Source, in hub.Intake) error {
	for range maxRestarts {
		err := source.Run(ctx, in)
		switch {
		case ctx.Err() != nil && err != nil:
			return fmt.Errorf("after its context's end Run returned: %w", err)
		case ctx.Err() != nil:
			return nil
		case err == nil:
			return errors.New("Run returned nil although its context had not ended")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartDelay):
		}
	}
	return fmt.Errorf("Run failed %d times", maxRestarts)
}

// stop ends the source and waits for it.
func (r *running) stop() error {
	r.cancel()
	return r.ended()
}

// ended waits for a source whose context has ended.
func (r *running) ended() error {
	err, late := within(r.end, promptly, "Run, after its context's end,")
	r.scene.in.attach(nil)
	return errors.Join(late, err)
}

// play starts the source, does what is asked while it runs, and stops it.
func (s *scene) play(t testing.TB, during ...func() error) error {
	t.Helper()
	r, err := s.start(t)
	if err != nil {
		return err
	}
	for _, step := range during {
		if err = step(); err != nil {
			break
		}
	}
	return errors.Join(err, r.stop())
}

// putMore and arrived are the usual steps.
func (s *scene) putMore(n int) func() error { return func() error { return s.put(n) } }

func (s *scene) arrived() error { return s.in.await(s.puts, s.patience()) }

// setAside waits until n inputs are set aside, each with a reason, and fails when
// there are more.
func (s *scene) setAside(n int) error {
	return eventually(s.patience(), func() error {
		reasons, err := s.SetAside()
		if err != nil {
			return fmt.Errorf("ask what was set aside: %w", err)
		}
		if len(reasons) != n {
			return fmt.Errorf("%d inputs are set aside, want %d: %q", len(reasons), n, reasons)
		}
		for _, reason := range reasons {
			if reason == "" {
				return errors.New("an input was set aside without a reason")
			}
		}
		return nil
	})
}

// complete judges what was stored: all that was put except the lost, nothing
// else, in order, without a breach.
func (s *scene) complete(excused ...Want) error {
	var want []Want
	optional := map[string]bool{}
	for _, w := range excused {
		optional[identity(w.EventRef)] = true
	}
	for _, w := range s.puts {
		if !optional[identity(w.EventRef)] {
			want = append(want, w)
		}
	}
	var got []hub.Event
	for _, e := range s.in.Events() {
		if !optional[identity(refOf(e))] {
			got = append(got, e)
		}
	}
	return errors.Join(s.in.Breaches(), s.same(want, got))
}

func (s *scene) same(want []Want, got []hub.Event) error {
	byID := map[string]hub.Event{}
	for _, e := range got {
		byID[identity(refOf(e))] = e
	}
	expected := map[string]bool{}
	for i, w := range want {
		expected[identity(w.EventRef)] = true
		e, there := byID[identity(w.EventRef)]
		if !there {
			return fmt.Errorf("event %d (%s) was lost", i, w.ID)
		}
		if e.Type() != w.Type {
			return fmt.Errorf("event %d (%s) has type %s, want %s", i, w.ID, e.Type(), w.Type)
		}
		if w.Check == nil {
			continue
		}
		if err := w.Check(e); err != nil {
			return fmt.Errorf("event %d (%s): %w", i, w.ID, err)
		}
	}
	for _, e := range got {
		if !expected[identity(refOf(e))] {
			return fmt.Errorf("event %s of source %s was invented: nothing put becomes it", e.ID(), e.Source())
		}
	}
	return s.inOrder(want, got)
}

// inOrder compares the order of first storing, over all or within each key.
func (s *scene) inOrder(want []Want, got []hub.Event) error {
	place := map[string]int{}
	for i, w := range want {
		place[identity(w.EventRef)] = i
	}
	last := map[string]int{}
	for _, e := range got {
		lane := ""
		if s.PerKey {
			lane = key(e)
		}
		now := place[identity(refOf(e))]
		if before, started := last[lane]; started && before > now {
			return fmt.Errorf("order is lost: event %s was stored after event %s", e.ID(), want[before].ID)
		}
		last[lane] = now
	}
	return nil
}
