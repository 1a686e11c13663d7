package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// What a publisher sends: most events are good, some are bad in each way.
const (
	percentBad   = 1
	percentDup   = 5
	percentClash = 2
	percentNone  = 1
)

// patience is how long a publisher goes on; with no hub to acknowledge, it
// gives up in time for the test to tell why.
const patience = 3 * time.Minute

// sent is one event of the plan and what must become of it.
type sent struct {
	id, key string
	app     string // of the organisation alpha
	source  string
	n       int // place within its key
	body    string
	typ     string
	want    string // outcome of its first acknowledgement
	repeats bool   // of a load: it comes under the identity of an earlier one
}

// publisher sends the plan; each key is sent by one goroutine, one after the
// other, so that its order is known.
type publisher struct {
	t       *testing.T
	js      jetstream.JetStream
	events  int
	done    int // acknowledged
	plan    [][]sent
	timeout time.Duration // for one try; a lost acknowledgement costs so much
	ctx     context.Context
	stop    context.CancelFunc // gives up what has no acknowledgement yet
	mu      sync.Mutex
	cond    *sync.Cond
	acked   map[uint64]sent   // by sequence in IN_alpha; nil: a load keeps none
	news    map[uint64][]sent // of a load, what fresh has not given yet
	ids     map[string]bool   // of what is acknowledged
	reused  []uint64          // sequences acknowledged for two events: one is lost
}

func newPublisher(t *testing.T, h *host, seed uint64, events, keys int) *publisher {
	t.Helper()
	_, js := h.connect()
	p := &publisher{t: t, js: js, events: events, plan: make([][]sent, keys), timeout: 2 * time.Second, acked: map[uint64]sent{}, ids: map[string]bool{}}
	p.cond = sync.NewCond(&p.mu)
	p.within(patience)
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range events {
		k := r.IntN(keys)
		p.plan[k] = append(p.plan[k], p.draw(r, k, i))
	}
	return p
}

// within sets how long the publisher goes on.
func (p *publisher) within(d time.Duration) {
	p.ctx, p.stop = context.WithTimeout(p.t.Context(), d)
	p.t.Cleanup(p.stop)
}

func (p *publisher) draw(r *rand.Rand, k, i int) sent {
	s := sent{
		id: fmt.Sprintf("e-%06d", i), key: fmt.Sprintf("case-%d", k), n: len(p.plan[k]),
		app: "app", source: fmt.Sprintf("urn:test:alpha:case-%d", k),
		body: fmt.Sprintf(`{"n":%d,"text":"x"}`, i), typ: hubtest.Ding, want: "routed",
	}
	var before *sent
	for j := len(p.plan[k]) - 1; j >= 0 && before == nil; j-- {
		if p.plan[k][j].want == "routed" {
			before = &p.plan[k][j]
		}
	}
	switch x := r.IntN(100); {
	case x < percentBad:
		s.body, s.want = `{"n":"not a number"}`, "quarantined"
	case x < percentBad+percentNone:
		s.typ, s.want = hubtest.Niemand, "unrouted"
	case x < percentBad+percentNone+percentDup && before != nil:
		s.id, s.body, s.want = before.id, before.body, "suppressed"
	case x < percentBad+percentNone+percentDup+percentClash && before != nil:
		s.id, s.want = before.id, "quarantined"
	}
	return s
}

// publishAll returns when all is acknowledged, or stop was called.
func (p *publisher) publishAll() {
	var wg sync.WaitGroup
	for k := range p.plan {
		wg.Go(func() {
			for _, s := range p.plan[k] {
				p.publish(s)
			}
		})
	}
	wg.Wait()
	p.mu.Lock() // nobody waits for more
	p.cond.Broadcast()
	p.mu.Unlock()
}

// patient is how long a publisher waits at most: what is slow must not be sent again and
// again.
const patient = 5 * time.Second

// publish repeats until the acknowledgement is there, as every client must.
func (p *publisher) publish(s sent) {
	m := s.message()
	for wait := p.timeout; p.ctx.Err() == nil; wait = min(2*wait, patient) {
		ctx, cancel := context.WithTimeout(p.ctx, wait)
		ack, err := p.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		cancel()
		if err == nil {
			p.note(ack.Sequence, s)
			return
		}
	}
	if errors.Is(p.ctx.Err(), context.DeadlineExceeded) {
		p.t.Errorf("publish %s: no acknowledgement", s.id)
	}
}

func (s *sent) message() *nats.Msg {
	return &nats.Msg{Subject: "in.alpha." + s.app + "." + s.typ, Data: []byte(s.body), Header: nats.Header{
		"ce-specversion": {"1.0"}, "ce-id": {s.id}, "ce-source": {s.source}, "ce-type": {s.typ},
		"ce-correlationid": {s.key}, "Content-Type": {"application/json"},
	}}
}

func (p *publisher) note(seq uint64, s sent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, twice := p.acked[seq]; twice {
		p.reused = append(p.reused, seq)
	}
	if p.news != nil {
		p.news[seq] = append(p.news[seq], s)
	}
	if p.acked != nil {
		p.acked[seq], p.ids[s.id] = s, true
	}
	p.done++
	p.cond.Broadcast()
}

// fresh gives what was acknowledged since it was asked last, by sequence in
// IN_alpha, and the last of them. Two events at one sequence: one is lost.
func (p *publisher) fresh() (news map[uint64][]sent, last uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	news, p.news = p.news, map[uint64][]sent{}
	for seq := range news {
		last = max(last, seq)
	}
	return news, last
}

// count is how many are acknowledged.
func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

func (p *publisher) waitAcked(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.done < min(n, p.events) && p.ctx.Err() == nil {
		p.cond.Wait()
	}
}
