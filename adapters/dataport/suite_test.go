package dataport_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{
		New:    func(t testing.TB) adaptertest.Origin { return origin(t, ", seite: 2") },
		PerKey: true, Goroutines: idle,
	})
}

func origin(t testing.TB, further string) adaptertest.Origin {
	s := newService(t)
	var due sync.Map
	bad := func(name string, effect fitsim.Effect) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error {
			if err := s.Order(fitsim.Order{On: "submit", Do: effect}); err != nil {
				return err
			}
			_, err := s.Submit(application(900))
			return err
		}}
	}
	return adaptertest.Origin{
		Source: func() (hub.Source, error) {
			x, err := s.open(further)
			return listening{x, &due}, err
		},
		Input: func(n int) adaptertest.Input {
			return adaptertest.Input{
				Put:  func() error { _, err := s.Submit(application(n)); return err },
				Want: []adaptertest.Want{{EventRef: hub.EventRef{Source: eventSource, ID: id(n), Type: "de.antrag.eingereicht.v1"}}},
			}
		},
		Bad: []adaptertest.Input{
			bad("swapped attachment", fitsim.SwapAttachment), bad("wrong hash", fitsim.WrongHash), bad("no key", fitsim.UnknownKey), bad("no metadata", fitsim.NoMetadata),
		},
		SetAside: s.reports,
		Confirmed: func() ([]string, error) {
			if err := s.accepted(&due); err != nil {
				return nil, err
			}
			var all []string
			for n := range 20 {
				for _, event := range s.Log(id(n)) {
					if event == fit.AcceptSubmission {
						all = append(all, id(n))
					}
				}
			}
			return all, nil
		},
	}
}

// listening notes what was settled so that it may be accepted: the poll that this
// wakes accepts it.
type listening struct {
	hub.Source
	due *sync.Map
}

var _ hub.Listener = listening{}

func (l listening) Stored(context.Context, hub.EventRef) error { return nil }

func (l listening) Settled(ctx context.Context, end hub.Settlement) error {
	under, ok := l.Source.(hub.Listener)
	if !ok {
		return errors.New("the source does not listen")
	}
	err := under.Settled(ctx, end)
	if err == nil && end.Outcome == hub.Routed && end.Done == end.Copies {
		l.due.Store(end.ID, true)
	}
	return err
}

// accepted waits until all that is due was accepted.
func (s *service) accepted(due *sync.Map) (err error) {
	due.Range(func(one, _ any) bool {
		submission, _ := one.(string)
		for began := time.Now(); s.Ended(submission) != fit.AcceptSubmission; {
			if time.Since(began) > 5*time.Second {
				err = errors.New("what is due is not accepted")
				return false
			}
		}
		return true
	})
	return err
}
