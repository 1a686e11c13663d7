package dataport_test

import (
	"testing"

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
		Source: func() (hub.Source, error) { return s.open(further) },
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
