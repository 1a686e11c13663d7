package replay

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
)

// judged is what is decided about a candidate, and, when it goes, the copy.
type judged struct {
	record *decision.Replayed
	copy   *event.Message
	after  place
	fault  error // of the hub, for which it does not go
}

// judge decides about one candidate as things stand now. It gives nil for what never
// was a copy: the event could not be carried out, was parked, and has another decision.
func (e *Engine) judge(ctx context.Context, v *flow.Version, r *Run, c *candidate) (*judged, error) {
	seen, known := e.Index.Lookup(event.IdentityOf(c.source, c.id))
	if err := e.Index.Err(); err != nil {
		return nil, err
	}
	if known && (seen.Ref != c.of || seen.Outcome != hub.Routed) {
		return nil, nil
	}
	out := &judged{after: c.after, record: &decision.Replayed{
		Run: r.ID, Mailbox: r.Scope.Application, In: c.of.In, Seq: c.of.Seq, ID: c.id, Federation: v.Federation.Digest, At: e.Now().UTC(),
	}}
	if out.record.Verdict = before(v.Federation, r.Scope.Application, c, out.record.At); out.record.Verdict != "" {
		return out, nil
	}
	m, err := e.stored(ctx, c.of)
	if err != nil {
		return nil, err
	}
	if m == nil {
		out.record.Verdict = decision.ReplayRemoved
		return out, nil
	}
	out.fault = out.weigh(v, m)
	return out, nil
}

// before finds why a copy does not go without reading the event; "" when it must be
// read.
func before(fed *federation.Federation, receiver string, c *candidate, now time.Time) decision.ReplayVerdict {
	if app, ok := fed.Application(receiver); !ok || app.Mailbox == nil {
		return decision.ReplayNoReceiver
	}
	if c.stored.Add(keepOf(fed.Schemas, c.typ)).Before(now) { // it may still lie there until the next run removes it
		return decision.ReplayBeyondKeep
	}
	return ""
}

// stored reads an event; nil when it is gone.
func (e *Engine) stored(ctx context.Context, of decision.Ref) (*event.Message, error) {
	m, err := e.Bus.At(ctx, of.In, of.Seq, ">")
	if err != nil || m == nil || m.Seq != of.Seq {
		return nil, err
	}
	return m, nil
}

// weigh asks whether the event would go to the receiver if it came now, by the way that
// every event goes, and makes the copy. A fault of the hub costs only this one.
func (j *judged) weigh(v *flow.Version, m *event.Message) (fault error) {
	rec := j.record
	defer func() {
		if p := recover(); p != nil {
			rec.Verdict, rec.Receiver, j.copy = decision.ReplayInvalid, nil, nil
			fault = errFault
		}
	}()
	_, org, _ := strings.Cut(m.Stream, "_")
	ev, sender, refused := accept.Accept(v.Federation, org, m)
	if refused != nil {
		rec.Verdict = decision.ReplayInvalid
		return nil
	}
	checked, refused := check.Check(v.Federation.Schemas, ev)
	if refused != nil {
		rec.Verdict = decision.ReplayInvalid
		return nil
	}
	app, _ := v.Federation.Application(sender.ID())
	authority, _ := app.Authority(ev.Source())
	q := route.Question{Application: app, Authority: authority, Event: ev, Schema: checked.Schema, Marked: checked.Marked, At: rec.At}
	receivers, _ := route.Route(v.Federation, q)
	i := slices.IndexFunc(receivers, func(r decision.Receiver) bool { return r.Application == rec.Mailbox })
	if i < 0 {
		rec.Verdict = decision.ReplayNotAdmitted // why not, a block above all, is told to nobody
		return nil
	}
	rec.Verdict, rec.Receiver = decision.ReplayGoes, &receivers[i]
	made, err := v.Sender.Replay(rec, ev)
	if err != nil {
		rec.Verdict, rec.Receiver = decision.ReplayInvalid, nil
		return err
	}
	j.copy = &made
	return nil
}
