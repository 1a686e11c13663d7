package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/hub"
)

func checkArrival(t testing.TB, c SinkCase) error {
	t.Helper()
	d, err := newCounter(t, c)
	if err != nil {
		return err
	}
	before, err := d.effects()
	if err != nil {
		return err
	}
	if err := d.handOver(t.Context(), 0, 1); err != nil {
		return err
	}
	if d.unchanged(before) == nil {
		return errors.New("Deliver returned nil, and the foreign system has nothing")
	}
	return nil
}

// delivered makes a foreign system that has event 0.
func delivered(t testing.TB, c SinkCase) (*counter, []string, error) {
	t.Helper()
	d, err := newCounter(t, c)
	if err != nil {
		return nil, nil, err
	}
	if err := d.handOver(t.Context(), 0, 1); err != nil {
		return nil, nil, err
	}
	effects, err := d.effects()
	return d, effects, err
}

func checkSecondAttempt(t testing.TB, c SinkCase) error {
	t.Helper()
	d, effects, err := delivered(t, c)
	if err != nil {
		return err
	}
	for _, attempt := range []int{2, 3, 17} {
		if err := d.handOver(t.Context(), 0, attempt); err != nil {
			return err
		}
		if err := d.unchanged(effects); err != nil {
			return fmt.Errorf("after attempt %d: %w", attempt, err)
		}
	}
	return nil
}

func checkCrash(t testing.TB, c SinkCase) error {
	t.Helper()
	d, effects, err := delivered(t, c)
	if err != nil {
		return err
	}
	for _, attempt := range []int{1, 2} {
		if err := d.restart(); err != nil {
			return err
		}
		if err := d.handOver(t.Context(), 0, attempt); err != nil {
			return err
		}
		if err := d.unchanged(effects); err != nil {
			return fmt.Errorf("after a restart, attempt %d: %w", attempt, err)
		}
	}
	return nil
}

// checkDifferent delivers several events, and all of them again in another
// order.
func checkDifferent(t testing.TB, c SinkCase) error {
	t.Helper()
	const events = 5
	d, err := newCounter(t, c)
	if err != nil {
		return err
	}
	each := 0
	for n := range events {
		if err := d.handOver(t.Context(), n, 1); err != nil {
			return err
		}
		effects, err := d.effects()
		if err != nil {
			return err
		}
		if n == 0 {
			each = len(effects)
		}
		if distinct := slices.Compact(effects); len(distinct) != each*(n+1) {
			return fmt.Errorf("%d different deliveries had %d different effects, the first alone had %d",
				n+1, len(distinct), each)
		}
	}
	effects, err := d.effects()
	if err != nil {
		return err
	}
	for n := events - 1; n >= 0; n-- {
		if err := d.handOver(t.Context(), n, 2); err != nil {
			return err
		}
	}
	return d.unchanged(effects)
}

// checkConcurrent delivers many events at once, each twice in a row.
func checkConcurrent(t testing.TB, c SinkCase) error {
	t.Helper()
	const keys = 16
	d, each, err := delivered(t, c)
	if err != nil {
		return err
	}
	errs := make([]error, keys)
	var group sync.WaitGroup
	for n := range keys {
		group.Go(func() {
			errs[n] = errors.Join(d.handOver(t.Context(), n+1, 1), d.handOver(t.Context(), n+1, 2))
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	effects, err := d.effects()
	if err != nil {
		return err
	}
	distinct := len(slices.Compact(slices.Clone(effects)))
	if want := len(each) * (keys + 1); len(effects) != want || distinct != want {
		return fmt.Errorf("%d events delivered concurrently had %d effects, %d of them different, want %d",
			keys+1, len(effects), distinct, want)
	}
	return nil
}

var faultCode = regexp.MustCompile(`^[a-z0-9-]+$`)

func checkUnmappable(t testing.TB, c SinkCase) error {
	t.Helper()
	return eachUnmappable(t, c, func(_ hub.Event, err error) error {
		fault := hub.FaultOf(err)
		switch {
		case fault == nil:
			return errors.New("Deliver returned nil")
		case !fault.Permanent:
			return fmt.Errorf("the error of Deliver is no Permanent Fault: %w", err)
		case !faultCode.MatchString(fault.Code):
			return fmt.Errorf("the Fault's code %q is not [a-z0-9-]", fault.Code)
		}
		return nil
	})
}

func checkDiscretion(t testing.TB, c SinkCase) error {
	t.Helper()
	return eachUnmappable(t, c, func(e hub.Event, err error) error {
		if err == nil {
			return nil
		}
		if value := leak(e, err.Error()); value != "" {
			return fmt.Errorf("the error holds the value %q of the event's data: %w", value, err)
		}
		return nil
	})
}

func eachUnmappable(t testing.TB, c SinkCase, judge func(hub.Event, error) error) error {
	t.Helper()
	d, effects, err := delivered(t, c)
	if err != nil {
		return err
	}
	if len(d.Unmappable) == 0 {
		return errors.New("SinkCase: Destination.Unmappable is empty")
	}
	for i, e := range d.Unmappable {
		refusal := d.deliver(t.Context(), d.deliveryOf(fmt.Sprintf("bad-%d", i), 1, e))
		if err := errors.Join(judge(e, refusal), d.unchanged(effects)); err != nil {
			return fmt.Errorf("unmappable event %d: %w", i, err)
		}
	}
	return d.handOver(t.Context(), 1, 1)
}

func checkDown(t testing.TB, c SinkCase) error {
	t.Helper()
	d, err := newCounter(t, c)
	if err != nil {
		return err
	}
	if d.Down == nil {
		return fmt.Errorf("Destination.Down is not given: %w", errSkip)
	}
	up, err := d.Down()
	if err != nil {
		return fmt.Errorf("take the foreign system down: %w", err)
	}
	failure := d.deliver(t.Context(), d.delivery(0, 1))
	if err := up(); err != nil {
		return fmt.Errorf("bring the foreign system up: %w", err)
	}
	if failure == nil {
		return errors.New("Deliver returned nil while the foreign system was unreachable")
	}
	if hub.FaultOf(failure).Permanent {
		return fmt.Errorf("Deliver gave a Permanent Fault for a system that came back: %w", failure)
	}
	if err := d.handOver(t.Context(), 0, 2); err != nil {
		return fmt.Errorf("after the system came back: %w", err)
	}
	return d.once(t.Context(), 0)
}

// once holds when one more delivery of event n has no effect, and event n has
// had as many effects as another event has.
func (d *counter) once(ctx context.Context, n int) error {
	effects, err := d.effects()
	if err != nil {
		return err
	}
	if err := d.handOver(ctx, n, 9); err != nil {
		return err
	}
	if err := d.unchanged(effects); err != nil {
		return err
	}
	if err := d.handOver(ctx, n+1, 1); err != nil {
		return err
	}
	both, err := d.effects()
	if err == nil && len(both) != 2*len(effects) {
		err = fmt.Errorf("event %d had %d effects, another event %d", n, len(effects), len(both)-len(effects))
	}
	return err
}

// checkCancelled delivers with a context that has ended: whatever Deliver made
// of it, the next attempt must bring the event to its one effect.
func checkCancelled(t testing.TB, c SinkCase) error {
	t.Helper()
	d, err := newCounter(t, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error, 1)
	go func() { done <- d.sink.Deliver(ctx, d.delivery(0, 1)) }()
	answer, late := within(done, promptly, "Deliver, after its context's end,")
	if late != nil {
		return late
	}
	if answer != nil && hub.FaultOf(answer).Permanent {
		return fmt.Errorf("the end of the context became a Permanent Fault: %w", answer)
	}
	effects, err := d.effects()
	if err != nil {
		return err
	}
	if answer == nil && len(effects) == 0 {
		return errors.New("Deliver returned nil, and the foreign system has nothing")
	}
	if err := d.handOver(t.Context(), 0, 2); err != nil {
		return err
	}
	return d.once(t.Context(), 0)
}

func checkSinkGoroutines(t testing.TB, c SinkCase) error {
	t.Helper()
	d := &counter{Destination: c.New(t), patience: c.patience()}
	before := goleak.IgnoreCurrent()
	if err := d.restart(); err != nil {
		return err
	}
	for n := range 3 {
		if err := d.handOver(t.Context(), n, 1); err != nil {
			return err
		}
	}
	return goleak.Find(append(c.Goroutines, before)...)
}
