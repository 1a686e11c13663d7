package auskunft

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// The codes of faults that all steps have.
const (
	Unmappable = "unmappable"       // the event asks nothing that can be asked
	Unanswered = "unanswered"       // the register will not answer this question
	foreign    = "foreign-question" // it is another application's
	unreadable = "unreadable"       // a file that is no answer
)

// Step is an enrichment step with its settings.
type Step struct {
	StepConfig
	// Type of the event that answers.
	Type string
	// Ask asks the register. A Permanent Fault sends the question to quarantine,
	// any other error has it asked again; see [Fault]. Its texts hold nothing of the
	// question or the answer.
	Ask func(ctx context.Context, q Question) (Answer, error)
	// Production refuses questions and answers that are tests.
	Production bool
}

// Question is a delivery that asks.
type Question struct {
	// ID of the event that will answer, the same in every attempt: ids of
	// questions can be made of it.
	ID       string
	Delivery string // id of the delivery, for the log
	Event    hub.Event

	asked func() (time.Time, error)
}

// Asked is when this was asked first, the same in every attempt.
func (q Question) Asked() (time.Time, error) { return q.asked() }

// Test is the question's mark that it is a test, "" for none.
func (q Question) Test() string { return testMark(q.Event) }

// Anfrage names the event that asked, in the data of the one that answers.
type Anfrage struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

// Anfrage names the event: an id alone is one of its source's.
func (q Question) Anfrage() Anfrage { return Anfrage{Source: q.Event.Source(), ID: q.Event.ID()} }

// Answer is what becomes the event's data, and its place, if it has one.
type Answer struct {
	Data any
	AGS  string
	Test string // the register's mark that it is a test, "" for none
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
	switch {
	case d.Event.Context == nil:
		return hub.Permanent(Unmappable, "the delivery has no event")
	case hub.IsReceipt(d.Event):
		return nil
	case !s.step.asks(d.Event.Source()):
		return hub.Permanent(foreign, "the question is of another application than the one that asks here (setting fragesteller): another asker needs a step of its own")
	}
	q := Question{ID: ID(d), Delivery: d.ID, Event: d.Event}
	q.asked = func() (time.Time, error) { return s.desk.Asked(q.ID) }
	if err := RefuseTest(q.Test() != "", s.step.Production); err != nil {
		return err
	}
	return s.desk.Once(ctx, q.ID, ".json", func() ([]byte, error) {
		answer, err := s.step.Ask(ctx, q)
		if err != nil {
			return nil, err
		}
		if err := RefuseTest(answer.Test != "", s.step.Production); err != nil {
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
// the same case.
var passedOn = []string{
	hub.AttrCorrelationID, hub.AttrTraceparent, hub.AttrTracestate, hub.AttrDataRegulation,
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
	e.SetExtension(hub.AttrDataClassification, s.classification(extension(q.Event, hub.AttrDataClassification)))
	if mark := cmp.Or(a.Test, q.Test()); mark != "" {
		e.SetExtension(attrTest, mark)
	}
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
	return &source{config: c, folder: folder, log: cmp.Or(env.Log, zap.NewNop())}, nil
}

type source struct {
	config Config
	folder *dropfolder.Folder
	log    *zap.Logger
}

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
	tending, stop := context.WithCancel(ctx)
	var tends sync.WaitGroup
	tends.Go(func() { s.config.Tend(tending, s.log) })
	defer tends.Wait()
	defer stop()
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
