package digiwf

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// source is an integration of DigiWF.
type source struct {
	set  *settings
	log  *zap.Logger
	way  *post.Kafka
	desk *desk
	news chan struct{} // something is due
}

var (
	_ hub.Source   = (*source)(nil)
	_ hub.Listener = (*source)(nil)
	_ hub.Placed   = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if set.Integration.Topic == "" {
		return nil, s.Errorf("integration", "is missing: a source plays one; for the sink alone write use: sink")
	}
	if _, err := set.try(); err != nil {
		return nil, err
	}
	if set.key, err = mapping.ReadKey(set.CaseKeyFile); err != nil {
		return nil, s.Errorf("case-key-file", "%v", err)
	}
	way := set.kafka()
	desk, err := openDesk(set, way)
	if err != nil {
		return nil, err
	}
	if err := disk.Open(set.folder(asideFolder)); err != nil {
		return nil, err
	}
	return &source{set: set, log: cmp.Or(env.Log, zap.NewNop()), way: way, desk: desk, news: make(chan struct{}, 1)}, nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	return hub.Places{
		In:       s.set.Integration.Topic + " at " + strings.Join(s.set.Kafka.Brokers, ", "),
		SetAside: s.set.folder(asideFolder),
	}
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	for {
		err := s.run(ctx, in)
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.Is(err, errPassedOver):
			return err
		}
	}
}

func (s *source) run(ctx context.Context, in hub.Intake) error {
	r := &run{source: s, in: in, lanes: map[lane]*working{}}
	var err error
	if r.caseKey, err = mapping.CaseKey(ctx, in.State(), s.set.key); err != nil {
		return err
	}
	defer s.way.Close()
	if r.waiting, err = s.desk.crowd(); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	defer r.close()
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return r.read(ctx) })
	all.Go(func() error { return r.payAll(ctx) })
	all.Go(func() error { return r.tend(ctx) })
	return all.Wait()
}

// nudge has what is due sent.
func (s *source) nudge() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// Stored implements hub.Listener: what follows from it read does, when Publish has
// returned.
func (s *source) Stored(context.Context, hub.EventRef) error { return nil }

// Settled implements hub.Listener: it writes down what the process is to be told.
func (s *source) Settled(ctx context.Context, end hub.Settlement) error {
	if end.Source != s.set.Source || !idForm.MatchString(end.ID) {
		return nil
	}
	leave, err := s.desk.hold(ctx, end.ID)
	if err != nil {
		return err
	}
	defer leave()
	o, err := s.desk.find(end.ID)
	if errors.Is(err, disk.ErrDamaged) { // another try would hold up all that comes after
		s.log.Error("digiwf: a process cannot be told what became of its event", zap.String("event", end.ID), zap.Error(err))
		return nil
	}
	if err != nil || o == nil {
		return err
	}
	switch {
	case end.Outcome == hub.Routed && o.Reply == replyDelivered:
		err = s.desk.oweAnswer(answerKey(o.ID), o.to(), delivered(end))
	case end.Outcome == hub.Quarantined || end.Outcome == hub.Unrouted:
		err = s.desk.oweError(answerKey(o.ID), o.to(), s.set.Integration.ErrorCode,
			fmt.Sprintf("the event was refused: %s", cmp.Or(end.Code, string(end.Outcome))))
	default:
		return nil
	}
	if err != nil {
		return err
	}
	s.nudge()
	return s.desk.forget(o.ID)
}

func delivered(end hub.Settlement) map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"eventId": wire.Variable(end.ID),
		"copies":  json.RawMessage(fmt.Sprint(end.Copies)), "done": json.RawMessage(fmt.Sprint(end.Done)),
	}
}

// tend looks again and again for requests that nobody has answered in time, and
// forgets what was sent long ago.
func (r *run) tend(ctx context.Context) error {
	tick := time.NewTicker(r.set.Retry.Most)
	defer tick.Stop()
	var forgot time.Time
	for {
		if err := r.overdue(ctx); err != nil {
			return err
		}
		if time.Since(forgot) > 24*time.Hour {
			if err := r.desk.box.Forget(time.Now().Add(-r.set.Keep)); err != nil {
				return err
			}
			forgot = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// overdue raises an incident for each request whose time is over.
func (r *run) overdue(ctx context.Context) error {
	timed := slices.ContainsFunc(r.set.Integration.Requests, func(q request) bool { return q.Within > 0 })
	if !timed {
		return nil
	}
	return r.desk.each(ctx, func(o *opened) error {
		req := r.set.request(o.Type)
		if req == nil || req.Within == 0 || time.Since(o.Since) < req.Within {
			return nil
		}
		return r.giveUp(ctx, o)
	})
}

func (r *run) giveUp(ctx context.Context, o *opened) error {
	leave, err := r.desk.hold(ctx, o.ID)
	if err != nil {
		return err
	}
	defer leave()
	if err := r.desk.oweIncident(answerKey(o.ID), o.to(), "no answer came in time"); err != nil {
		return err
	}
	r.nudge()
	r.log.Warn("digiwf: no answer came in time", zap.String("event", o.ID))
	return r.desk.forget(o.ID)
}
