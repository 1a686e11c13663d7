// Package demo follows the cases of a story while the hub works on them, and
// shows on a screen how far they are.
package demo

import (
	"slices"
	"sync"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Case is a case (Vorgang) of the story and what must happen in it.
type Case struct {
	// ID is its correlationid. Without one it is the first case that begins with the
	// type of its first step and is no other's.
	ID    string `yaml:"id"`
	Title string `yaml:"title,required"`
	Steps []Step `yaml:"steps,required"`
}

// Step is one event that must be routed, and to whom.
type Step struct {
	Type      string   `yaml:"type,required"`
	From      string   `yaml:"from"` // application; any when empty
	Receivers []string `yaml:"receivers"`
	// Times is how many such events there must be; 0 is 1.
	Times int `yaml:"times"`
}

// Progress knows how far the cases are. It is an app.Observer.
type Progress struct {
	cases   []Case
	changed func()

	mu        sync.Mutex
	decided   map[decision.Ref]*decision.Decision
	delivered map[decision.Ref]map[string]decision.Result
	wrong     []string // what must not happen in the story
	done      chan struct{}
	closed    bool
	awaited   map[string]chan struct{} // by type; closed once it is complete
}

// Follow makes a Progress; changed is called after every change, from any
// goroutine.
func Follow(cases []Case, changed func()) *Progress {
	return &Progress{
		cases: slices.Clone(cases), changed: changed, done: make(chan struct{}),
		decided: map[decision.Ref]*decision.Decision{}, delivered: map[decision.Ref]map[string]decision.Result{},
		awaited: map[string]chan struct{}{},
	}
}

// Reached gives a channel that is closed when all steps of a type are complete.
func (p *Progress) Reached(eventType string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.awaited[eventType] == nil {
		p.awaited[eventType] = make(chan struct{})
	}
	p.reach()
	return p.awaited[eventType]
}

// reach closes what is complete.
func (p *Progress) reach() {
	for eventType, reached := range p.awaited {
		select {
		case <-reached:
			continue
		default:
		}
		if p.complete(eventType) {
			close(reached)
		}
	}
}

// Done is closed when every step of every case is complete, or one went wrong.
func (p *Progress) Done() <-chan struct{} { return p.done }

// Wrong lists what happened although it must not; empty when all is well.
func (p *Progress) Wrong() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wrong)
}

// Decided implements app.Observer.
func (p *Progress) Decided(d *decision.Decision) {
	p.update(func() {
		p.decided[decision.Ref{In: d.In, Seq: d.Seq}] = d
		p.begins(d)
		if d.Outcome != hub.Routed {
			p.wrong = append(p.wrong, string(d.Outcome)+" "+d.Type+" "+string(d.Code)+" "+d.At)
		}
	})
}

// begins gives a case without an id the one of an event that it may begin with.
func (p *Progress) begins(d *decision.Decision) {
	if slices.ContainsFunc(p.cases, func(c Case) bool { return c.ID == d.Case }) {
		return
	}
	for i := range p.cases {
		if c := &p.cases[i]; c.ID == "" && c.Steps[0].Type == d.Type {
			c.ID = d.Case
			return
		}
	}
}

// Delivered implements app.Observer.
func (p *Progress) Delivered(d *decision.Delivery) {
	p.update(func() {
		ref := decision.Ref{In: d.In, Seq: d.Seq}
		if p.delivered[ref] == nil {
			p.delivered[ref] = map[string]decision.Result{}
		}
		p.delivered[ref][d.Mailbox] = d.Result
		if d.Result != decision.Done {
			p.wrong = append(p.wrong, string(d.Result)+" at "+d.Mailbox+": "+d.Code)
		}
	})
}

func (p *Progress) update(change func()) {
	p.mu.Lock()
	change()
	p.reach()
	finished := len(p.wrong) > 0 || p.complete("")
	if finished && !p.closed {
		p.closed = true
		close(p.done)
	}
	p.mu.Unlock()
	p.changed()
}

// complete holds when every step of a type is; "" is every type.
func (p *Progress) complete(eventType string) bool {
	for i := range p.cases {
		for _, s := range p.states(&p.cases[i]) {
			if (eventType == "" || s.step.Type == eventType) && !s.complete() {
				return false
			}
		}
	}
	return true
}

// state is how far a step is.
type state struct {
	step      Step
	decision  *decision.Decision // of the latest event; nil: not there yet
	delivered map[string]decision.Result
	whole     int // events that all receivers have
}

func (s *state) complete() bool { return s.whole >= max(s.step.Times, 1) }

func (s *state) add(d *decision.Decision, delivered map[string]decision.Result) {
	if s.decision == nil || s.decision.Seq < d.Seq {
		s.decision, s.delivered = d, delivered
	}
	for _, r := range s.step.Receivers {
		if delivered[r] != decision.Done {
			return
		}
	}
	s.whole++
}

func (p *Progress) states(c *Case) []*state {
	out := make([]*state, 0, len(c.Steps))
	for _, step := range c.Steps {
		s := &state{step: step}
		for ref, d := range p.decided {
			if d.Case == c.ID && d.Type == step.Type && (step.From == "" || step.From == d.Application) {
				s.add(d, p.delivered[ref])
			}
		}
		out = append(out, s)
	}
	return out
}
