package adaptertest

import (
	"bytes"
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

// The suite is proven by adapters that break the contract: each of them has one
// flaw, and the check that exists for it must find it.

func TestASoundSourcePasses(t *testing.T) {
	Source(t, SourceCase{New: newQueue("")})
}

func TestSourceChecksFindFlaws(t *testing.T) {
	const (
		inputs    = "every input becomes exactly its events"
		failed    = "a failed publish is tried again in order"
		restart   = "a restart at any point loses nothing"
		refused   = "an event that the hub refuses is set aside"
		bad       = "a bad input is set aside"
		end       = "Run returns when ctx ends"
		goroutine = "Run leaves no goroutine"
		blob      = "blobs are there before the event"
		listener  = "a listener is idempotent"
	)
	flaws := map[string]string{
		"returns nil when idle":       inputs,
		"publishes one event twice":   inputs,
		"publishes an invalid event":  inputs,
		"sets good inputs aside":      inputs,
		"removes before publish":      failed,
		"skips ahead":                 failed,
		"data tells the attempt":      failed,
		"id of the process":           restart,
		"takes the end for a success": restart,
		"stops at a refusal":          refused,
		"drops what is refused":       refused,
		"publishes bad input":         bad,
		"stops at bad input":          bad,
		"gives no reason":             bad,
		"sets aside at every start":   bad,
		"returns the context's error": end,
		"ignores the end while idle":  end,
		"ignores the end of failures": end,
		"leaves a goroutine":          goroutine,
		"names a blob before it is":   blob,
		"gives a wrong digest":        blob,
		"confirms twice":              listener,
		"confirms at every start":     listener,
		"fails when settled twice":    listener,
	}
	for flaw, name := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			c := SourceCase{New: newQueue(flaw), Patience: 300 * time.Millisecond}
			i := slices.IndexFunc(sourceChecks(), func(c sourceCheck) bool { return c.name == name })
			if err := sourceChecks()[i].run(t, c); err == nil || errors.Is(err, errSkip) {
				t.Errorf("check %q did not find it: %v", name, err)
			} else {
				t.Log(err)
			}
		})
	}
}

// queue is a foreign system: what waits is published from its head.
type queue struct {
	flaw string
	over <-chan struct{} // end of the test, for goroutines that would never end

	mu        sync.Mutex
	starts    int
	waiting   []string
	aside     []string
	confirmed []string
}

const badInput = "bad"

func newQueue(flaw string) func(testing.TB) Origin {
	return func(t testing.TB) Origin {
		q := &queue{flaw: flaw, over: t.Context().Done()}
		return Origin{
			Source: q.source,
			Input: func(n int) Input {
				id := fmt.Sprint(n)
				return Input{Put: q.putter(id), Want: []Want{{EventRef: refOf(q.event(id, hub.BlobRef{}))}}}
			},
			Bad:       []Input{{Name: "bad", Put: q.putter(badInput)}},
			SetAside:  func() ([]string, error) { return q.list(&q.aside), nil },
			Confirmed: func() ([]string, error) { return q.list(&q.confirmed), nil },
		}
	}
}

func (q *queue) putter(id string) func() error {
	return func() error {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.waiting = append(q.waiting, id)
		return nil
	}
}

func (q *queue) list(of *[]string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(*of)
}

func (q *queue) event(id string, blob hub.BlobRef) hub.Event {
	e := event.New()
	e.SetID(id)
	e.SetSource("urn:test:queue")
	e.SetType("de.test.wartend.v1")
	e.SetDataContentType(event.ApplicationJSON)
	e.DataEncoded = fmt.Appendf(nil, `{"original":{"ref":%q,"sha256":%q,"size":%d}}`, blob.Ref, blob.SHA256, blob.Size)
	return e
}

func (q *queue) source() (hub.Source, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.starts++
	if q.flaw == "sets aside at every start" && len(q.aside) > 0 {
		q.aside = append(q.aside, "again")
	}
	return &queueSource{queue: q, start: q.starts}, nil
}

// queueSource is the source under test; it has the queue's flaw.
type queueSource struct {
	*queue
	start, tries int
}

func (s *queueSource) Run(ctx context.Context, in hub.Intake) error {
	if s.flaw == "leaves a goroutine" {
		go func() { <-s.over }()
	}
	for {
		head := s.head()
		if head == "" && s.flaw == "returns nil when idle" {
			return nil
		}
		if s.flaw != "ignores the end while idle" && ctx.Err() != nil {
			if s.flaw == "returns the context's error" {
				return ctx.Err()
			}
			return nil
		}
		if head == "" {
			if !s.pause(ctx) {
				return nil
			}
			continue
		}
		if err := s.handle(ctx, in, head); err != nil {
			return err
		}
	}
}

// pause ends with the test at the latest.
func (s *queueSource) pause(ctx context.Context) bool {
	ended := ctx.Done()
	if s.flaw == "ignores the end while idle" || s.flaw == "ignores the end of failures" {
		ended = nil
	}
	select {
	case <-ended:
	case <-s.over:
		return false
	case <-time.After(time.Millisecond):
	}
	return true
}

func (s *queueSource) head() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return ""
	}
	return s.waiting[0]
}

func (s *queueSource) handle(ctx context.Context, in hub.Intake, id string) error {
	if id == badInput {
		switch s.flaw {
		case "stops at bad input":
			return errors.New("bad input")
		case "publishes bad input":
		case "gives no reason":
			s.remove("", true)
			return nil
		default:
			s.remove("unmappable", true)
			return nil
		}
	}
	if s.flaw == "sets good inputs aside" {
		defer s.remove("for no reason", true)
		_ = in.Publish(ctx, s.build(ctx, in, id))
		return nil
	}
	if s.flaw == "removes before publish" {
		s.remove("", false)
		_ = in.Publish(ctx, s.build(ctx, in, id))
		return nil
	}
	for {
		done, err := s.attempt(ctx, in, id)
		if done || err != nil || (ctx.Err() != nil && s.flaw != "ignores the end of failures") || !s.pause(ctx) {
			return err
		}
	}
}

func (s *queueSource) build(ctx context.Context, in hub.Intake, id string) hub.Event {
	var ref hub.BlobRef
	content := "original of " + id
	if s.flaw == "names a blob before it is" {
		content = "another"
		ref.Ref = "blob:none"
	}
	put, err := in.Blobs().Put(ctx, bytes.NewReader([]byte(content)))
	if ref.Ref == "" {
		ref = put
	}
	if err != nil {
		return hub.Event{}
	}
	if s.flaw == "gives a wrong digest" {
		ref.SHA256 = "00"
	}
	e := s.event(id, ref)
	s.tries++
	switch s.flaw {
	case "data tells the attempt":
		e.DataEncoded = fmt.Appendf(nil, "%d", s.tries)
	case "id of the process":
		if s.start > 1 {
			e.SetID(fmt.Sprintf("%s-%d", id, s.start))
		}
	case "publishes an invalid event":
		e.SetDataContentType(";")
	}
	return e
}

// attempt publishes once and tells whether the input is settled.
func (s *queueSource) attempt(ctx context.Context, in hub.Intake, id string) (bool, error) {
	e := s.build(ctx, in, id)
	if ctx.Err() != nil && s.flaw != "takes the end for a success" {
		return false, nil
	}
	err := in.Publish(ctx, e)
	switch {
	case err == nil:
		if s.flaw == "publishes one event twice" {
			e.SetID(id + "-again")
			_ = in.Publish(ctx, e)
		}
		s.remove("", false)
		return true, nil
	case s.flaw == "takes the end for a success" && ctx.Err() != nil:
		s.remove("", false)
		return true, nil
	case !hub.FaultOf(err).Permanent:
		if s.flaw == "skips ahead" {
			s.remove("", false)
			return true, s.putter(id)()
		}
		return false, nil
	case s.flaw == "stops at a refusal":
		return false, err
	}
	s.remove("refused", s.flaw != "drops what is refused")
	return true, nil
}

func (s *queueSource) remove(reason string, aside bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = s.waiting[1:]
	if aside {
		s.aside = append(s.aside, reason)
	}
}

func (s *queueSource) Stored(context.Context, hub.EventRef) error { return nil }

func (s *queueSource) Settled(_ context.Context, end hub.Settlement) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	mark := end.ID
	if s.flaw == "confirms at every start" {
		mark = fmt.Sprintf("%s at start %d", end.ID, s.start)
	}
	if slices.Contains(s.confirmed, mark) && s.flaw != "confirms twice" {
		if s.flaw == "fails when settled twice" {
			return errors.New("settled already")
		}
		return nil
	}
	s.confirmed = append(s.confirmed, mark)
	return nil
}

// TestNotBesideOthers: the goroutines of other tests would be taken for the adapter's.
func TestNotBesideOthers(t *testing.T) {
	for name, suite := range map[string]func(*testing.T){
		"source": func(t *testing.T) { Source(t, SourceCase{}) },
		"sink":   func(t *testing.T) { Sink(t, SinkCase{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("the suite runs in a parallel test")
				}
			}()
			suite(t)
		})
	}
}
