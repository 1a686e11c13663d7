package digiwf

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
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
	r := &run{source: s, in: in, lanes: map[lane]*working{}, passed: make(chan struct{}, 1)}
	var err error
	if r.caseKey, err = mapping.CaseKey(ctx, in.State(), s.set.key); err != nil {
		return err
	}
	defer s.way.Close()
	if r.waiting, err = s.desk.crowd(); err != nil {
		return err
	}
	if err := s.desk.numberBehind(); err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return r.readAlone(ctx) })
	all.Go(func() error { return r.payAll(ctx) })
	all.Go(func() error { return r.tend(ctx) })
	return all.Wait()
}

// readGroup is one membership of the group.
func (r *run) readGroup(ctx context.Context) error {
	if err := r.connect(ctx); err != nil {
		return err
	}
	defer r.close()
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return r.read(ctx) })
	all.Go(func() error { return r.anew(ctx) })
	all.Go(func() error { return r.watchGroup(ctx) })
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
