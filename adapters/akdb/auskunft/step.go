package auskunft

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/akdb/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// The codes of faults that all steps have.
const (
	Unmappable = "unmappable" // the event asks nothing that can be asked
	Unanswered = "unanswered" // the register will not answer this question
	unreadable = "unreadable" // a file that is no answer
)

// Step is an enrichment step with its settings.
type Step struct {
	Config
	// Type of the event that answers.
	Type string
	// Ask asks the register. A Permanent Fault sends the question to quarantine,
	// any other error has it asked again; see [Fault]. Its texts hold nothing of the
	// question or the answer.
	Ask func(ctx context.Context, q Question) (Answer, error)
}

// Question is a delivery that asks.
type Question struct {
	// ID of the event that will answer, the same in every attempt: ids of
	// questions can be made of it.
	ID    string
	Event hub.Event
}

// Answer is what becomes the event's data, and its place, if it has one.
type Answer struct {
	Data any
	AGS  string
}

// Fault says what the hub does about a question that a gateway did not answer:
// what is the gateway's matter is tried again, what is the question's is not.
func Fault(err error) error {
	if eai.IsBlocking(err) {
		return hub.Retryable(eai.Code(err), "ask the register: %w", err)
	}
	return hub.Permanent(Unanswered, "ask the register: %w", err)
}

// Sink makes the half that asks.
func (s Step) Sink() (hub.Sink, error) {
	desk, err := OpenDesk(s.Dir)
	if err != nil {
		return nil, err
	}
	return &sink{step: s, desk: desk}, nil
}

type sink struct {
	step Step
	desk *Desk
}

var _ hub.Sink = (*sink)(nil)

// Deliver implements hub.Sink.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if d.Event.Context == nil {
		return hub.Permanent(Unmappable, "the delivery has no event")
	}
	q := Question{ID: ID(d), Event: d.Event}
	return s.desk.Once(q.ID, ".json", func() ([]byte, error) {
		answer, err := s.step.Ask(ctx, q)
		if err != nil {
			return nil, err
		}
		e, err := s.step.event(q, answer)
		if err != nil {
			return nil, err
		}
		return json.Marshal(e)
	})
}

// passedOn are the attributes that the answer has of the question: it belongs to
// the same case, and is no less confidential.
var passedOn = []string{
	hub.AttrCorrelationID, hub.AttrTraceparent, hub.AttrTracestate, hub.AttrDataClassification, hub.AttrDataRegulation,
}

func (s Step) event(q Question, a Answer) (hub.Event, error) {
	e := cloudevents.New()
	e.SetID(q.ID)
	e.SetSource(s.Source)
	e.SetType(s.Type)
	e.SetSubject(q.Event.Subject())
	e.SetTime(time.Now().UTC())
	e.SetDataSchema("urn:amtsbote:schema:" + s.Type)
	for _, name := range passedOn {
		if value, there := q.Event.Extensions()[name]; there {
			e.SetExtension(name, value)
		}
	}
	e.SetExtension(hub.AttrCausationID, q.Event.ID())
	if a.AGS != "" {
		e.SetExtension(hub.AttrAGS, a.AGS)
	}
	if err := e.SetData("application/json", a.Data); err != nil {
		return e, errors.New("write event data: it has no JSON")
	}
	return e, nil
}

// Publisher makes the half that publishes.
func (c Config) Publisher(env hub.Env, s hub.Settings) (hub.Source, error) {
	if c.Source == "" {
		return nil, s.Errorf("source", "the events' source is missing, for example urn:de:ags:09162000:system:register")
	}
	folder, err := c.Folder(env.Log, ".json")
	if err != nil {
		return nil, err
	}
	return &source{folder: folder}, nil
}

type source struct{ folder *dropfolder.Folder }

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	p := s.folder.Places()
	return hub.Places{In: p.In, SetAside: p.SetAside}
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	return s.folder.Watch(ctx, func(ctx context.Context, f dropfolder.File) error {
		raw, err := f.Bytes()
		if err != nil {
			return err
		}
		e := cloudevents.New()
		if json.Unmarshal(raw, &e) != nil || e.Validate() != nil { // their texts quote
			return hub.Permanent(unreadable, "the file is no event")
		}
		if err := in.Publish(ctx, e); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		return nil
	})
}
