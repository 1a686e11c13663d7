package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/hub"
)

func checkInputs(t testing.TB, c SourceCase) error {
	t.Helper()
	s := newScene(t, c)
	if err := s.put(2); err != nil {
		return err
	}
	err := s.play(t, s.arrived, s.putMore(2), s.arrived, func() error { return s.setAside(0) })
	if err != nil {
		return errors.Join(err, s.in.Breaches())
	}
	return s.complete()
}

// checkFailedPublish fails the calls for an event three times: with a Fault,
// with a plain error, and after storing it all the same. The events of the
// second input would pass: who does not wait changes the order.
func checkFailedPublish(t testing.TB, c SourceCase) error {
	t.Helper()
	s := newScene(t, c)
	if err := s.put(3); err != nil {
		return err
	}
	passing := s.Input(1).Want
	var mu sync.Mutex
	failed := map[string]int{}
	s.in.Follow(func(_ context.Context, _ int, e hub.Event, store func() error) error {
		if wanted(passing, e) {
			return store()
		}
		mu.Lock()
		failed[e.ID()]++
		n := failed[e.ID()]
		mu.Unlock()
		switch n {
		case 1:
			return hub.Retryable("away", "publish: no answer")
		case 2:
			return errors.New("publish: connection lost")
		case 3:
			return errors.Join(store(), errors.New("publish: the answer was lost"))
		}
		return store()
	})
	if err := s.play(t, s.arrived, s.putMore(1), s.arrived); err != nil {
		return errors.Join(err, s.in.Breaches())
	}
	return errors.Join(s.complete(), s.setAside(0))
}

// checkRestart stops the source at each call of Publish: before the event is
// stored, after it, and after it with the answer lost.
func checkRestart(t testing.TB, c SourceCase) error {
	t.Helper()
	const inputs = 3
	moments := []struct {
		name  string
		store bool
		err   error
	}{
		{"before Publish had stored the event", false, context.Canceled},
		{"after Publish had stored the event", true, nil},
		{"after Publish had stored the event and failed", true, context.Canceled},
	}
	calls := 0
	for n := range inputs {
		calls += len(c.New(t).Input(n).Want)
	}
	for at := 1; at <= calls; at++ {
		for _, m := range moments {
			if err := restartAt(t, c, inputs, at, m.store, m.err); err != nil {
				return fmt.Errorf("stopped at publish %d, %s: %w", at, m.name, err)
			}
		}
	}
	return nil
}

func restartAt(t testing.TB, c SourceCase, inputs, at int, stores bool, answer error) error {
	t.Helper()
	s := newScene(t, c)
	if err := s.put(inputs); err != nil {
		return err
	}
	stop := make(chan struct{})
	s.in.Follow(func(ctx context.Context, call int, _ hub.Event, store func() error) error {
		if call < at {
			return store()
		}
		if call == at && stores {
			if err := store(); err != nil {
				return err
			}
		}
		if call == at {
			close(stop)
		}
		<-ctx.Done()
		if call > at {
			return ctx.Err()
		}
		return answer
	})
	reached := func() error {
		_, err := within(stop, s.patience(), fmt.Sprintf("publish %d", at))
		return err
	}
	if err := s.play(t, reached); err != nil {
		return err
	}
	s.in.Follow(nil)
	if err := s.play(t, s.arrived, s.putMore(1), s.arrived); err != nil {
		return errors.Join(err, s.in.Breaches())
	}
	return errors.Join(s.complete(), s.setAside(0))
}

// checkRefused refuses the first event of an input in the middle for good. What
// becomes of the input's other events is the source's own affair.
func checkRefused(t testing.TB, c SourceCase) error {
	t.Helper()
	s := newScene(t, c)
	if err := s.put(3); err != nil {
		return err
	}
	excused := s.Input(1).Want
	s.puts = slices.DeleteFunc(s.puts, func(w Want) bool { return slices.ContainsFunc(excused, w.same) })
	s.in.Follow(func(_ context.Context, _ int, e hub.Event, store func() error) error {
		if wanted(excused[:1], e) {
			return hub.Permanent("not-yours", "publish: the application does not own this source")
		}
		return store()
	})
	return errors.Join(s.flowsAround(t), s.complete(excused...))
}

// checkBadInputs puts each bad input between good ones.
func checkBadInputs(t testing.TB, c SourceCase) error {
	t.Helper()
	bad := c.New(t).Bad
	if len(bad) == 0 {
		return errors.New("SourceCase: Origin.Bad is empty")
	}
	for i := range bad {
		if err := checkBadInput(t, c, i); err != nil {
			return fmt.Errorf("bad input %q: %w", bad[i].Name, err)
		}
	}
	return nil
}

func checkBadInput(t testing.TB, c SourceCase, i int) error {
	t.Helper()
	s := newScene(t, c)
	for _, put := range []func() error{s.putMore(1), s.Bad[i].Put, s.putMore(1)} {
		if err := put(); err != nil {
			return err
		}
	}
	return errors.Join(s.flowsAround(t), s.complete())
}

// flowsAround runs the source over inputs of which exactly one must be set
// aside, and again: it must not come back.
func (s *scene) flowsAround(t testing.TB) error {
	t.Helper()
	one := func() error { return s.setAside(1) }
	if err := s.play(t, s.arrived, one); err != nil {
		return err
	}
	if err := s.play(t, s.putMore(1), s.arrived, one); err != nil {
		return fmt.Errorf("after a restart: %w", err)
	}
	return nil
}

// checkEnd ends the context while the source waits for input, while Publish
// waits, and while Publish keeps failing.
func checkEnd(t testing.TB, c SourceCase) error {
	t.Helper()
	moments := map[string]Script{
		"waiting for input": nil,
		"waiting for Publish": func(ctx context.Context, _ int, _ hub.Event, _ func() error) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"after Publish failed": func(context.Context, int, hub.Event, func() error) error {
			return hub.Retryable("away", "publish: no answer")
		},
	}
	for name, script := range moments {
		s := newScene(t, c)
		if err := s.put(1); err != nil {
			return err
		}
		if err := s.play(t, s.called(script)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := s.in.Breaches(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// called follows the script and waits for the first call of Publish.
func (s *scene) called(script Script) func() error {
	if script == nil {
		return s.arrived
	}
	reached := make(chan struct{})
	var once sync.Once
	s.in.Follow(func(ctx context.Context, call int, e hub.Event, store func() error) error {
		once.Do(func() { close(reached) })
		return script(ctx, call, e, store)
	})
	return func() error {
		_, err := within(reached, s.patience(), "the first Publish")
		return err
	}
}

func checkSourceGoroutines(t testing.TB, c SourceCase) error {
	t.Helper()
	s := newScene(t, c)
	if err := s.put(2); err != nil {
		return err
	}
	before := goleak.IgnoreCurrent()
	if err := s.play(t, s.arrived); err != nil {
		return err
	}
	return goleak.Find(append(c.Goroutines, before)...)
}

// checkBlobs reads what the events refer to once the source has ended; that it
// was there before Publish the Intake has seen.
func checkBlobs(t testing.TB, c SourceCase) error {
	t.Helper()
	s := newScene(t, c)
	if err := s.put(3); err != nil {
		return err
	}
	if err := s.play(t, s.arrived); err != nil {
		return err
	}
	errs := []error{s.in.Breaches()}
	for _, e := range s.in.Events() {
		errs = append(errs, s.in.blobs.verify(e))
	}
	return errors.Join(errs...)
}
