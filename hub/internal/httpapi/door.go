package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Door takes events from the applications that send them.
type Door struct {
	Bus   *bus.Bus
	Index *index.Index
	// Refusals writes down what is refused and kept nowhere.
	Refusals *Refusals
	// Limits are asked for what a request turns out to hold.
	Limits *Limits
	Now    func() time.Time
	Log    *zap.Logger

	recent recent
}

// one is an event of a request on its way through the door.
type one struct {
	message *event.Message
	verdict *flow.Verdict
	place   decision.Ref // where it is stored; zero: it is not
}

// code is why it may not pass; "" when it may.
func (o *one) code() refusal.Code {
	if o.verdict.Waits() {
		return o.verdict.Before.Code
	}
	return o.verdict.Code
}

// duplicate tells whether it came before and passed.
func (o *one) duplicate() bool { return o.verdict.Outcome == hub.Suppressed && !o.verdict.Waits() }

// kept tells whether it is to be stored: what may pass, and what is to rest in
// quarantine unless its sender wants it kept nowhere.
func (o *one) kept(strict bool) bool {
	switch {
	case o.verdict.Outcome == hub.Suppressed:
		return false
	case o.verdict.Code == "":
		return true
	}
	return !strict && statusOf(o.verdict.Code) == http.StatusUnprocessableEntity
}

// request is what an application hands in.
type request struct {
	batch  bool
	strict bool // nothing that may not pass is kept (RFC 7240: handling=strict)
	events []*one
}

// turned hears of a request in which no event can be found; body is what was read of it.
type turned func(r *refusal.Refusal, body []byte)

// read reads a request, judges its events and does with it what is next. As long as
// that takes the request counts into what its organisation has in memory.
func (d *Door) read(w http.ResponseWriter, r *http.Request, p *Principal, tell turned, next func(*request) *Problem) (*request, *Problem) {
	turn := func(r *refusal.Refusal, body []byte) *Problem {
		tell(r, body)
		return &Problem{Status: statusOf(r.Code), Code: r.Code, At: r.At}
	}
	m, refused := modeOf(r.Header)
	if refused != nil {
		return nil, turn(refused, nil)
	}
	limit := int64(accept.MaxBytes)
	if m == batched {
		limit = p.Application.Limits.Body
	}
	done, problem := d.Limits.Room(r.Context(), p, r.ContentLength, limit)
	if problem != nil {
		return nil, problem
	}
	defer done()
	body, refused := readBody(w, r, limit)
	if refused != nil {
		return nil, turn(refused, body)
	}
	msgs, refused := messages(m, r.Header, body)
	if refused != nil {
		return nil, turn(refused, body)
	}
	if problem := d.Limits.More(p, len(msgs)-1); problem != nil {
		return nil, problem
	}
	req := &request{batch: m == batched, strict: strictly(r.Header)}
	req.events = d.judge(p, msgs)
	if err := d.Index.Err(); err != nil {
		return nil, d.notStored(err)
	}
	return req, next(req)
}

// strictly tells whether the sender prefers that nothing is kept of what may not pass
// (RFC 7240, 4.4).
func strictly(h http.Header) bool {
	for _, line := range h["Prefer"] {
		for _, part := range strings.Split(line, ",") {
			part, _, _ = strings.Cut(part, ";")
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if strings.EqualFold(strings.TrimSpace(name), "handling") && strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "strict") {
				return true
			}
		}
	}
	return false
}

// judge judges events in their order, each as if those before it were decided.
func (d *Door) judge(p *Principal, msgs []*event.Message) []*one {
	earlier := map[event.Identity]index.Seen{}
	decider := &flow.Decider{Federation: p.Federation, Now: d.Now, Seen: func(id event.Identity) (index.Seen, bool) {
		if seen, ok := earlier[id]; ok {
			return seen, true
		}
		return d.seen(id)
	}}
	out := make([]*one, len(msgs))
	for i, m := range msgs {
		v := decider.Door(p.Application, m)
		out[i] = &one{message: m, verdict: v}
		if len(msgs) > 1 && v.Remembered() && v.Code != refusal.Conflict {
			earlier[event.IdentityOf(v.Source, v.ID)] = index.After(index.Seen{}, v.Decision)
		}
	}
	return out
}

func (d *Door) seen(id event.Identity) (index.Seen, bool) {
	seen, ok := d.Index.Lookup(id)
	return d.recent.lookup(id, seen, ok, d.Now())
}

// keep stores what is to be kept, in one batch, and returns when it is synced.
func (d *Door) keep(ctx context.Context, p *Principal, req *request) *Problem {
	var kept []*one
	var msgs []event.Message
	for _, o := range req.events {
		if o.kept(req.strict) {
			kept, msgs = append(kept, o), append(msgs, *o.message)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	stream := bus.EdgeStream(p.Organisation())
	seqs, err := d.Bus.Group(stream).Store(ctx, msgs...)
	if err != nil {
		return d.notStored(err)
	}
	for i, o := range kept {
		o.place = decision.Ref{In: stream, Seq: seqs[i]}
	}
	d.remember(req)
	return nil
}

// remember notes what was stored until the index knows it, and tells those that
// repeat an earlier one of the same request where that lies.
func (d *Door) remember(req *request) {
	last := map[event.Identity]decision.Ref{}
	for _, o := range req.events {
		if o.verdict.Event == nil {
			continue
		}
		id := event.IdentityOf(o.verdict.Source, o.verdict.ID)
		if before := o.verdict.Before; before != nil && before.Ref.Seq == 0 {
			before.Ref = last[id]
		}
		if o.place.Seq > 0 && o.verdict.Remembered() {
			last[id] = o.place
			o.verdict.In, o.verdict.Seq = o.place.In, o.place.Seq
			d.recent.add(id, index.After(index.Seen{}, o.verdict.Decision))
		}
	}
}

// record writes down what was refused and is kept nowhere.
func (d *Door) record(p *Principal, req *request) {
	for _, o := range req.events {
		if o.code() != "" && o.place.Seq == 0 && !o.verdict.Waits() {
			d.Refusals.Add(p.Application.ID, o.code(), o.verdict.Digest)
		}
	}
}
