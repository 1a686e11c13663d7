package digiwf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// done does a record, and commits its offset only then.
func (r *run) done(ctx context.Context, rec *kgo.Record) error {
	if err := r.untilDone(ctx, rec); err != nil {
		return err
	}
	// Also when ctx has just ended: a partition that becomes another's hub must not come
	// to it with this record. Not committed means that it comes again, and is known then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	if err := r.kafka.CommitRecords(ctx, rec); err != nil {
		r.log.Warn("digiwf: offset not committed", append(where(rec), zap.Error(err))...)
	}
	return nil
}

// commitTime is how long a commit may take; a rebalance waits for it.
const commitTime = 5 * time.Second

// untilDone tries again, waiting longer each time, until the record is done or ctx
// ends: the hub or the disk is away, and what comes behind it in the partition would
// fare the same. The process gets an incident when that lasts, and its answer all
// the same when it is over.
func (r *run) untilDone(ctx context.Context, rec *kgo.Record) error {
	since, told, wait := time.Now(), false, r.set.Retry.First
	for attempt := 1; ; attempt++ {
		err := r.take(ctx, rec)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.log.Warn("digiwf: the partition waits", append(where(rec), zap.Int("attempt", attempt), zap.Duration("wait", wait), zap.Error(err))...)
		if limit := r.set.Integration.IncidentIn; limit > 0 && !told && time.Since(since) >= limit {
			told = r.complain(rec)
		}
		if err := pause(ctx, max(wait, hub.FaultOf(err).After)); err != nil {
			return err
		}
		wait = min(2*wait, r.set.Retry.Most)
	}
}

func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// complain raises one incident for a record that waits.
func (r *run) complain(rec *kgo.Record) bool {
	a, _ := r.set.ask(r.cluster, rec) // a fault of the record is no matter here
	err := r.desk.oweIncident("incident|"+a.position, a.to(), "the event could not be stored yet; it is tried again")
	if err != nil {
		r.log.Warn("digiwf: no incident raised", append(where(rec), zap.Error(err))...)
		return false
	}
	r.nudge()
	return true
}

// take does one record: it becomes an event, or is set aside. The request is written
// down before the hub has the event, so that no answer comes too early.
func (r *run) take(ctx context.Context, rec *kgo.Record) error {
	a, err := r.set.ask(r.cluster, rec)
	if err != nil {
		return r.refuse(a, err)
	}
	e, err := r.event(a)
	if err != nil {
		return r.refuse(a, err)
	}
	o, err := r.expect(ctx, a, e)
	if err != nil {
		return r.refuse(a, err)
	}
	err = r.in.Publish(ctx, e)
	if fault, ok := errors.AsType[*hub.Fault](err); ok && fault.Permanent {
		if err := r.desk.forget(o); err != nil { // not what another record asks
			return err
		}
		return r.refuse(a, hub.Permanent(fault.Code, "the hub refuses the event for good"))
	}
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return r.stored(a, e)
}

// expect writes down that the request waits for its answer, where it waits for one.
func (r *run) expect(ctx context.Context, a *asked, e hub.Event) (*opened, error) {
	correlation, _ := e.Extensions()[hub.AttrCorrelationID].(string)
	o := &opened{
		ID: e.ID(), Mark: markOf(a), Type: a.request.Type, Reply: a.request.Reply, Instance: a.instance, Message: a.message,
		Correlation: correlation, Echo: a.echo, Generation: a.gen, Since: a.rec.Timestamp.UTC(),
	}
	if a.request.Reply != replyDelivered && a.request.Reply != replyEvent {
		return o, nil
	}
	if !idForm.MatchString(e.ID()) {
		return o, hub.Retryable("bad-id", "the event's id cannot be a file's name")
	}
	if err := r.room(); err != nil {
		return o, err
	}
	return o, r.desk.remember(ctx, o)
}

// room counts one request more, and looks when it may be one too many.
func (r *run) room() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit := r.set.Integration.MaxOpen
	if r.waiting >= limit {
		waiting, err := r.desk.crowd()
		if err != nil {
			return err
		}
		r.waiting = waiting
	}
	if r.waiting >= limit {
		return hub.Retryable("too-many-open", "%d requests wait for their answers (max-open)", r.waiting)
	}
	r.waiting++
	return nil
}

// stored answers a request that asks for no more than that.
func (r *run) stored(a *asked, e hub.Event) error {
	if a.request.Reply != replyStored {
		return nil
	}
	defer r.nudge()
	return r.desk.oweAnswer(answerKey(e.ID(), markOf(a)), a.to(), map[string]json.RawMessage{"eventId": wire.Variable(e.ID())})
}

// refuse sets the record aside, whole, and tells the process: a type that nobody has
// set up is a technical fault, what the request holds is business.
func (r *run) refuse(a *asked, cause error) error {
	f := hub.FaultOf(cause)
	if !f.Permanent {
		return cause
	}
	if err := r.setAside(a.rec, f); err != nil {
		return err
	}
	defer r.nudge()
	key := "refusal|" + a.position
	if f.Code == codeType {
		return r.desk.oweIncident(key, a.to(), "the integration knows no request of this type")
	}
	return r.desk.oweError(key, a.to(), r.set.Integration.ErrorCode, f.Error())
}

// where says in a log which record it is, and nothing of its content.
func where(rec *kgo.Record) []zap.Field {
	return []zap.Field{zap.String("topic", rec.Topic), zap.Int32("partition", rec.Partition), zap.Int64("offset", rec.Offset)}
}
