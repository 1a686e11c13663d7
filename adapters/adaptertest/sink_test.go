package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub"
)

func TestASoundSinkPasses(t *testing.T) {
	Sink(t, SinkCase{New: newShelf("")})
}

func TestSinkChecksFindFlaws(t *testing.T) {
	const (
		arrival    = "a delivery has arrived when Deliver returns"
		attempt    = "a further attempt has no second effect"
		crash      = "a repetition after a crash has no second effect"
		different  = "different deliveries all arrive"
		concurrent = "deliveries of different keys come concurrently"
		unmappable = "an event that cannot be mapped is a Permanent Fault"
		discretion = "a fault tells nothing of the payload"
		down       = "an unreachable system is worth another try"
		cancelled  = "Deliver returns when ctx ends"
		goroutine  = "Deliver leaves no goroutine"
	)
	flaws := map[string]string{
		"hands over later":               arrival,
		"has no memory":                  attempt,
		"remembers in the process":       crash,
		"asks only for attempts above 1": crash,
		"one event of a type":            different,
		"loses updates":                  concurrent,
		"retries the unmappable":         unmappable,
		"swallows the unmappable":        unmappable,
		"hands over the unmappable":      unmappable,
		"has no code":                    unmappable,
		"quotes the payload":             discretion,
		"gives up when down":             down,
		"swallows when down":             down,
		"skips attempts above 1":         down,
		"ignores the end":                cancelled,
		"gives up at the end":            cancelled,
		"leaves a goroutine":             goroutine,
	}
	for flaw, name := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			c := SinkCase{New: newShelf(flaw)}
			i := slices.IndexFunc(sinkChecks(), func(c sinkCheck) bool { return c.name == name })
			if err := sinkChecks()[i].run(t, c); err == nil || errors.Is(err, errSkip) {
				t.Errorf("check %q did not find it: %v", name, err)
			} else {
				t.Log(err)
			}
		})
	}
}

// shelf is a foreign system that keeps what it is given by a name.
type shelf struct {
	flaw string
	over <-chan struct{}

	mu   sync.Mutex
	down bool
	kept []string
}

const secret = "Erika Mustermann"

func newShelf(flaw string) func(testing.TB) Destination {
	return func(t testing.TB) Destination {
		s := &shelf{flaw: flaw, over: t.Context().Done()}
		bad := shelfEvent("bad")
		bad.DataEncoded = []byte(`{"name":{"familienname":"` + secret + `"}}`)
		return Destination{
			Sink:       func() (hub.Sink, error) { return &shelfSink{shelf: s, mine: map[string]bool{}}, nil },
			Event:      func(n int) hub.Event { return shelfEvent(fmt.Sprint(n)) },
			Unmappable: []hub.Event{bad},
			Effects: func() ([]string, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				return slices.Clone(s.kept), nil
			},
			Down: func() (func() error, error) { return func() error { return s.setDown(false) }, s.setDown(true) },
		}
	}
}

func (s *shelf) setDown(down bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	return nil
}

func shelfEvent(id string) hub.Event {
	e := event.New()
	e.SetID(id)
	e.SetSource("urn:test:shelf")
	e.SetType("de.test.abgelegt.v1")
	e.SetSubject(id)
	e.SetDataContentType(event.ApplicationJSON)
	e.DataEncoded = []byte(`{}`)
	return e
}

// shelfSink is the sink under test; it has the shelf's flaw.
type shelfSink struct {
	*shelf
	mineMu sync.Mutex
	mine   map[string]bool
}

func (s *shelfSink) Deliver(ctx context.Context, d hub.Delivery) error {
	switch s.flaw {
	case "leaves a goroutine":
		go func() { <-s.over }()
	case "ignores the end":
		if ctx.Err() != nil {
			<-s.over
		}
	case "gives up at the end":
		if ctx.Err() != nil {
			return hub.Permanent("ended", "deliver: %w", ctx.Err())
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.Event.ID() == "bad" && s.flaw != "hands over the unmappable" {
		return s.refuse()
	}
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		switch s.flaw {
		case "gives up when down":
			return hub.Permanent("down", "deliver: no answer")
		case "swallows when down":
			return nil
		}
		return errors.New("deliver: no answer")
	}
	return s.keep(d)
}

func (s *shelfSink) refuse() error {
	switch s.flaw {
	case "retries the unmappable":
		return errors.New("map event")
	case "swallows the unmappable":
		return nil
	case "has no code":
		return hub.Permanent("", "map event")
	case "quotes the payload":
		return hub.Permanent("unmappable", "map event: %s is no name", secret)
	}
	return hub.Permanent("unmappable", "map event")
}

func (s *shelfSink) keep(d hub.Delivery) error {
	if s.flaw == "skips attempts above 1" && d.Attempt > 1 {
		return nil
	}
	s.mu.Lock()
	before := slices.Clone(s.kept)
	s.mu.Unlock()
	if s.known(d, before) {
		return nil
	}
	switch s.flaw {
	case "hands over later":
		go func() {
			<-s.over
			s.setKept(append(before, d.ID))
		}()
		return nil
	case "loses updates":
		<-time.After(5 * time.Millisecond)
		s.setKept(append(before, d.ID))
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, d.ID)
	return nil
}

func (s *shelfSink) setKept(kept []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = kept
}

func (s *shelfSink) known(d hub.Delivery, kept []string) bool {
	switch s.flaw {
	case "has no memory":
		return false
	case "one event of a type":
		return len(kept) > 0
	case "asks only for attempts above 1":
		return d.Attempt > 1 && slices.Contains(kept, d.ID)
	case "remembers in the process":
		s.mineMu.Lock()
		defer s.mineMu.Unlock()
		defer func() { s.mine[d.ID] = true }()
		return s.mine[d.ID]
	}
	return slices.Contains(kept, d.ID)
}
