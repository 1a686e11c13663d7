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
	ID    string // correlationid
	Title string
	Steps []Step
}

// Step is one event that must be routed, and to whom.
type Step struct {
	Type      string
	From      string // application; "" for any
	Receivers []string
}

// Progress knows how far the cases are. It is an app.Observer.
type Progress struct {
	cases   []Case
	changed func()

	mu        sync.Mutex
	decided   map[decision.Ref]*decision.Decision
	delivered map[decision.Ref]map[string]decision.Result
	wrong     []string // what must not happen in the story
	begun     mark
	done      mark
}

// Follow makes a Progress; changed is called after every change, from any
// goroutine.
func Follow(cases []Case, changed func()) *Progress {
	return &Progress{
		cases: cases, changed: changed, begun: newMark(), done: newMark(),
		decided: map[decision.Ref]*decision.Decision{}, delivered: map[decision.Ref]map[string]decision.Result{},
	}
}

// Begun is closed when the first step of every case is complete, or one went wrong.
func (p *Progress) Begun() <-chan struct{} { return p.begun.reached }

// Done is closed when every step of every case is complete, or one went wrong.
func (p *Progress) Done() <-chan struct{} { return p.done.reached }

// mark is a moment that comes once.
type mark struct {
	reached chan struct{}
	once    *sync.Once
}

func newMark() mark { return mark{make(chan struct{}), &sync.Once{}} }

func (m mark) reach() { m.once.Do(func() { close(m.reached) }) }

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
		if d.Outcome != hub.Routed {
			p.wrong = append(p.wrong, string(d.Outcome)+" "+d.Type+" "+string(d.Code)+" "+d.At)
		}
	})
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
	wrong := len(p.wrong) > 0
	if wrong || p.complete(1) {
		p.begun.reach()
	}
	if wrong || p.complete(0) {
		p.done.reach()
	}
	p.mu.Unlock()
	p.changed()
}

// complete looks at the first steps of every case, at all for 0.
func (p *Progress) complete(first int) bool {
	for i := range p.cases {
		for n, s := range p.states(&p.cases[i]) {
			if (first == 0 || n < first) && !s.complete() {
				return false
			}
		}
	}
	return true
}

// state is how far a step is.
type state struct {
	step      Step
	decision  *decision.Decision // nil: not there yet
	delivered map[string]decision.Result
}

func (s *state) complete() bool {
	if s.decision == nil {
		return false
	}
	for _, r := range s.step.Receivers {
		if s.delivered[r] != decision.Done {
			return false
		}
	}
	return true
}

func (p *Progress) states(c *Case) []*state {
	out := make([]*state, 0, len(c.Steps))
	for _, step := range c.Steps {
		s := &state{step: step}
		for ref, d := range p.decided {
			if d.Case == c.ID && d.Type == step.Type && (step.From == "" || step.From == d.Application) {
				s.decision, s.delivered = d, p.delivered[ref]
			}
		}
		out = append(out, s)
	}
	return out
}
