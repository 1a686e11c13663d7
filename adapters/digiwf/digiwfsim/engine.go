package digiwfsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// Engine runs processes. Make one with NewEngine.
type Engine struct {
	conf   Config
	client *kgo.Client
	topics wire.Topics

	mu         sync.Mutex
	instances  map[string]*Instance
	order      []string
	duplicates int           // how often each request is sent beyond once
	unroutable int           // records that Spring could not route
	changed    chan struct{} // closed when something has changed
	clocks     []*time.Timer
}

// Config of an Engine.
type Config struct {
	Broker      string
	Environment string
	Topics      wire.Topics
	Types       wire.Types
	Names       wire.Names
	Generation  int
	Processes   []Process
	// KeyByInstance gives records the process instance as key; without it they have
	// none.
	KeyByInstance bool
}

// NewEngine connects to the broker.
func NewEngine(c Config) (*Engine, error) {
	topics := c.Topics.In(c.Environment)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Broker), kgo.ClientID("digiwf-engine"),
		kgo.ConsumerGroup("dwf-digiwf-engine"), kgo.ConsumeTopics(topics.All()...), kgo.ProducerBatchMaxBytes(maxMessage),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.DisableClientMetrics(), kgo.SessionTimeout(10*time.Second))
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return &Engine{conf: c, client: client, topics: topics, instances: map[string]*Instance{}, changed: make(chan struct{})}, nil
}

// Close lets go of the broker.
func (e *Engine) Close() {
	e.mu.Lock()
	for _, clock := range e.clocks {
		clock.Stop()
	}
	e.mu.Unlock()
	e.client.Close()
}

// Run takes what comes for the engine until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	for {
		fetches := e.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end is no failure
		}
		var failed error
		fetches.EachRecord(func(rec *kgo.Record) { failed = errors.Join(failed, e.take(ctx, rec)) })
		if failed != nil && ctx.Err() == nil {
			return failed
		}
	}
}

// take does with a record what the application behind its topic does.
func (e *Engine) take(ctx context.Context, rec *kgo.Record) error {
	headers := springStrings(rec.Headers, e.conf.Names.Spring)
	typ := strings.ToLower(headers[e.conf.Names.Type])
	switch {
	case rec.Topic == e.topics.Engine && typ == strings.ToLower(e.conf.Types.Start):
		var body wire.Start
		if json.Unmarshal(rec.Value, &body) == nil {
			_, err := e.Start(ctx, body.Key, body.Data)
			return err
		}
	case rec.Topic == e.topics.Connector && typ == strings.ToLower(e.conf.Types.Correlate):
		var body wire.Correlate
		if json.Unmarshal(rec.Value, &body) == nil {
			return e.Correlate(ctx, body)
		}
	case rec.Topic == e.topics.BpmnError && typ == strings.ToLower(e.conf.Types.BpmnError):
		var body wire.BpmnError
		if json.Unmarshal(rec.Value, &body) == nil {
			e.bpmnError(body)
			return nil
		}
	case rec.Topic == e.topics.Incident && typ != "":
		e.incident(headers[e.conf.Names.Instance])
		return nil
	}
	e.change(func() { e.unroutable++ })
	return nil
}

// Start starts a process and does its first steps; an unknown key starts one that
// has no steps.
func (e *Engine) Start(ctx context.Context, key string, data map[string]json.RawMessage) (string, error) {
	in := &Instance{ID: uuid.NewString(), Key: key, State: Running, Variables: map[string]json.RawMessage{}}
	maps.Copy(in.Variables, data)
	_ = json.Unmarshal(data["ceCorrelationId"], &in.BusinessKey) // none without
	e.change(func() {
		e.instances[in.ID] = in
		e.order = append(e.order, in.ID)
	})
	return in.ID, e.proceed(ctx, in)
}

func (e *Engine) process(key string) Process {
	for _, p := range e.conf.Processes {
		if p.Key == key {
			return p
		}
	}
	return Process{Key: key}
}

// proceed does the steps of an instance up to one that waits.
func (e *Engine) proceed(ctx context.Context, in *Instance) error {
	steps := e.process(in.Key).Steps
	for {
		e.mu.Lock()
		at, state := in.Step, in.State
		e.mu.Unlock()
		if state != Running {
			return nil
		}
		if at >= len(steps) {
			e.change(func() { in.State = Ended })
			return nil
		}
		if waits, err := e.do(ctx, in, at, steps[at]); err != nil || waits {
			return err
		}
	}
}

// do does a step, or leaves it out; waits says that the process goes on with a message.
func (e *Engine) do(ctx context.Context, in *Instance, at int, step Step) (waits bool, err error) {
	e.mu.Lock()
	skipped := step.skipped(in.Variables)
	e.mu.Unlock()
	if skipped {
		e.change(func() { in.Step++ })
		return false, nil
	}
	e.clock(in, at, step.Timeout)
	if err := e.call(ctx, in, step); err != nil || step.Message != "" {
		return true, err
	}
	e.change(func() {
		var given map[string]json.RawMessage
		given, err = step.answer(in.Variables)
		maps.Copy(in.Variables, given)
		in.Step++
		if step.Ends {
			in.State = Ended
		}
	})
	return false, err
}

// clock gives up waiting when the time of the step is over.
func (e *Engine) clock(in *Instance, at int, timeout time.Duration) {
	if timeout <= 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clocks = append(e.clocks, time.AfterFunc(timeout, func() {
		e.change(func() {
			if in.State == Running && in.Step == at {
				in.State = TimedOut
			}
		})
	}))
}

// call sends the request of a step, as often as is ordered.
func (e *Engine) call(ctx context.Context, in *Instance, s Step) error {
	if s.Topic == "" {
		return nil
	}
	e.mu.Lock()
	value, err := s.body(in.Variables)
	times := 1 + e.duplicates
	e.mu.Unlock()
	if err != nil {
		return err
	}
	for range times {
		rec := &kgo.Record{Topic: wire.In(s.Topic, e.conf.Environment), Value: value, Headers: e.headers(in, s)}
		if e.conf.KeyByInstance {
			rec.Key = []byte(in.ID)
		}
		if err := e.client.ProduceSync(ctx, rec).FirstErr(); err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		e.change(func() { in.Sent++ })
	}
	return nil
}

// headers of a request, of the generation that is played.
func (e *Engine) headers(in *Instance, s Step) []kgo.RecordHeader {
	n := e.conf.Names
	others := []wire.Header{{Name: n.Instance, Value: in.ID}}
	if e.conf.Generation < 2 {
		others = append(others, wire.Header{Name: n.Message, Value: s.Message})
	} else {
		others = append(others, wire.Header{Name: n.Integration, Value: s.Integration}, wire.Header{Name: n.Prefix + "processdefinition", Value: in.Key})
	}
	return n.Headers(s.Type, others)
}

// ErrNobodyWaits says that no instance waits for the message.
var ErrNobodyWaits = errors.New("no instance waits for the message")

// Correlate gives a message to the instance that waits for it; one that nobody waits
// for is counted.
func (e *Engine) Correlate(ctx context.Context, m wire.Correlate) error {
	in := e.find(m)
	if in == nil {
		e.change(func() { e.unroutable++ })
		return nil
	}
	waits := false
	e.change(func() {
		in.Messages = append(in.Messages, m.MessageName)
		if waits = e.waits(in, m.MessageName); !waits {
			in.Late++
			return
		}
		maps.Copy(in.Variables, m.PayloadVariables)
		in.Step++
	})
	if !waits {
		return nil
	}
	return e.proceed(ctx, in)
}

func (e *Engine) waits(in *Instance, message string) bool {
	steps := e.process(in.Key).Steps
	if in.State != Running || in.Step >= len(steps) {
		return false
	}
	s := steps[in.Step]
	return s.Message == message || e.conf.Generation > 1 && s.Integration == message
}

func (e *Engine) find(m wire.Correlate) *Instance {
	e.mu.Lock()
	defer e.mu.Unlock()
	if in := e.instances[m.ProcessInstanceID]; in != nil || m.ProcessInstanceID != "" || m.BusinessKey == nil {
		return in
	}
	for _, in := range e.instances {
		if in.BusinessKey == *m.BusinessKey && e.waits(in, m.MessageName) {
			return in
		}
	}
	return nil
}

func (e *Engine) bpmnError(b wire.BpmnError) {
	e.change(func() {
		in := e.instances[b.ProcessInstanceID]
		if in == nil {
			e.unroutable++
			return
		}
		in.Errors = append(in.Errors, b.ErrorCode)
		if in.State == Running {
			in.State = Failed
		}
	})
}

func (e *Engine) incident(instance string) {
	e.change(func() {
		if in := e.instances[instance]; in != nil {
			in.Incidents++
			return
		}
		e.unroutable++
	})
}

// Duplicate orders that each request is sent n times more.
func (e *Engine) Duplicate(n int) { e.change(func() { e.duplicates = n }) }

func (e *Engine) change(what func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	what()
	close(e.changed)
	e.changed = make(chan struct{})
}

// Instances gives every instance in the order of their starts, and how many records
// nobody could take.
func (e *Engine) Instances() (all []Instance, unroutable int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range e.order {
		in := *e.instances[id]
		in.Variables = maps.Clone(in.Variables)
		in.Messages, in.Errors = slices.Clone(in.Messages), slices.Clone(in.Errors)
		all = append(all, in)
	}
	return all, e.unroutable
}

// Changed is closed when something changes after the call.
func (e *Engine) Changed() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}
