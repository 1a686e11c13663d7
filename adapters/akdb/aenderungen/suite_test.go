package aenderungen_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/aenderungen"
	"github.com/amtsbote/amtsbote/hub"
)

// The suite plays the feed of ehrenamt-ewo/aenderungsservice-README.md: bare
// Ordnungsmerkmale, and the policy of blocking and non-blocking errors. Bad
// inputs are values that are no Ordnungsmerkmal, and one that nobody has.
func TestSource(t *testing.T) {
	// The broker reads each request of its own producer in a new goroutine.
	const broker = "github.com/twmb/franz-go/pkg/kfake.(*clientConn)."
	adaptertest.Source(t, adaptertest.SourceCase{New: origin, Goroutines: []goleak.Option{
		goleak.IgnoreAnyFunction(broker + "read.func1"), goleak.IgnoreAnyFunction(broker + "write.func1"),
	}})
}

func origin(t testing.TB) adaptertest.Origin {
	c := newCity(t, true)
	bad := func(name, value string) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error { return c.announce(t, value) }}
	}
	ids := map[int]string{} // of inputs that were put: the broker chooses the position
	return adaptertest.Origin{
		Source: func() (hub.Source, error) { return c.source(c.settings("person")) },
		Input: func(n int) adaptertest.Input {
			want := []adaptertest.Want{{EventRef: hub.EventRef{Source: eventSource, ID: ids[n], Type: aenderungen.Type}}}
			return adaptertest.Input{Want: want, Put: func() error {
				err := c.register.Put(resident(n, "Nußbaumweg", ""))
				ids[n], want[0].ID = c.last, c.last
				return err
			}}
		},
		Bad: []adaptertest.Input{
			bad("no number", "Zaunkönig"), bad("nothing", ""), bad("too long", "1234567890123456789012345"), bad("unknown", om(999_999)),
		},
		SetAside: c.reports,
	}
}

func adaptertestRun(t *testing.T, src hub.Source, in *adaptertest.Intake) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-end; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}
