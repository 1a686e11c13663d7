package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
)

// checkListener tells the source twice what became of each event, and a third
// time after a restart.
func checkListener(t testing.TB, c SourceCase) error {
	t.Helper()
	s := newScene(t, c)
	source, err := s.Source()
	if err != nil {
		return err
	}
	if _, ok := source.(hub.Listener); !ok {
		return fmt.Errorf("the source is no hub.Listener: %w", errSkip)
	}
	if err := s.put(2); err != nil {
		return err
	}
	first, err := s.settleAll(t)
	if err != nil {
		return err
	}
	again, err := s.settleAll(t)
	if err != nil {
		return fmt.Errorf("after a restart: %w", err)
	}
	if !slices.Equal(first, again) {
		return fmt.Errorf("after a restart the same settlements had a second effect: %q, before %q", again, first)
	}
	return s.complete()
}

// settleAll runs the source until all is stored, then settles every event twice,
// and gives what the foreign system has been told.
func (s *scene) settleAll(t testing.TB) (confirmed []string, err error) {
	t.Helper()
	source, err := s.Source()
	if err != nil {
		return nil, err
	}
	listener, ok := source.(hub.Listener)
	if !ok {
		return nil, errors.New("Source gave a hub.Listener at first, and now none")
	}
	r := s.runSource(t, source)
	defer func() { err = errors.Join(err, r.stop()) }()
	if err := s.arrived(); err != nil {
		return nil, err
	}
	if err := s.settleEach(t.Context(), listener); err != nil {
		return nil, err
	}
	once, err := s.confirmed()
	if err != nil {
		return nil, err
	}
	if err := s.settleEach(t.Context(), listener); err != nil {
		return nil, fmt.Errorf("the second time: %w", err)
	}
	twice, err := s.confirmed()
	if err == nil && !slices.Equal(once, twice) {
		err = fmt.Errorf("the same settlements had a second effect: %q, before %q", twice, once)
	}
	return twice, err
}

// settleEach goes through all ends that an event can have; each event keeps its
// own.
func (s *scene) settleEach(ctx context.Context, l hub.Listener) error {
	ends := []hub.Settlement{
		{Outcome: hub.Routed, Copies: 2, Done: 2},
		{Outcome: hub.Quarantined, Code: "SCHEMA_INVALID"},
		{Outcome: hub.Unrouted, Code: "NO_AGREEMENT"},
		{Outcome: hub.Suppressed},
	}
	for i, e := range s.in.Events() {
		end := ends[i%len(ends)]
		end.EventRef = refOf(e)
		if err := l.Stored(ctx, end.EventRef); err != nil {
			return fmt.Errorf("call Stored: %w", err)
		}
		if err := l.Settled(ctx, end); err != nil {
			return fmt.Errorf("call Settled: %w", err)
		}
	}
	return nil
}

func (s *scene) confirmed() ([]string, error) {
	if s.Confirmed == nil {
		return nil, nil
	}
	all, err := s.Confirmed()
	if err != nil {
		return nil, fmt.Errorf("ask what was confirmed: %w", err)
	}
	slices.Sort(all)
	return all, nil
}
