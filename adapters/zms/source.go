package zms

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/desk"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

type source struct {
	set    settings
	zone   *time.Location
	folder *dropfolder.Folder // the sink's answers
	log    *zap.Logger
	now    func() time.Time
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if err := set.checkPolling(s); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return nil, fmt.Errorf("the time zone of ZMS: %w", err)
	}
	folder, err := set.folder(env.Log)
	if err != nil {
		return nil, err
	}
	return &source{set: set, zone: zone, folder: folder, log: env.Log, now: time.Now}, nil
}

func (set settings) answers() string  { return filepath.Join(set.Dir, "antworten") }
func (set settings) memory() string   { return filepath.Join(set.Dir, "bestand") }
func (set settings) cases() string    { return filepath.Join(set.Dir, "vorgaenge") }
func (set settings) setAside() string { return filepath.Join(set.Dir, "abgelegt") }

// maxAnswer is how long a file with an answer may be.
const maxAnswer = 1 << 20

func (set settings) folder(log *zap.Logger) (*dropfolder.Folder, error) {
	f := dropfolder.Defaults()
	f.Dir, f.Poll, f.MaxBytes, f.Forget = set.answers(), min(set.Poll, time.Second), maxAnswer, true
	return dropfolder.Open(f, []string{answerEnding}, log)
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	return hub.Places{In: s.set.ZMS.URL, SetAside: s.set.setAside()}
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	r, err := s.open(in)
	if err != nil {
		return err
	}
	both, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	var answers error
	all.Go(func() {
		defer stop()
		answers = s.folder.Watch(both, r.takeAnswer)
	})
	all.Go(func() { desk.Tend(both, s.set.answers(), s.log, r.cases.sweep, r.aside.sweep) })
	r.poll(both)
	stop()
	all.Wait()
	err = errors.Join(answers, r.journal.close())
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// run is one Run of the source.
type run struct {
	set    settings
	in     hub.Intake
	log    *zap.Logger
	now    func() time.Time
	client *client
	teller *teller
	cases  *cases
	aside  *aside

	mu      sync.Mutex // the poll and the answers of the sink
	journal *journal
}

func (s *source) open(in hub.Intake) (*run, error) {
	key, err := openSecret(s.set.memory())
	if err != nil {
		return nil, err
	}
	j, err := openJournal(s.set.memory())
	if err != nil {
		return nil, err
	}
	return &run{
		set: s.set, in: in, log: s.log, now: s.now, client: s.set.client(), journal: j,
		teller: &teller{source: s.set.Source, ags: s.set.AGS, secret: key, zone: s.zone},
		cases:  &cases{dir: s.set.cases()},
		aside:  &aside{dir: s.set.setAside(), secret: key, log: s.log},
	}, nil
}

// poll asks again and again until ctx ends.
func (r *run) poll(ctx context.Context) {
	for ctx.Err() == nil {
		after := r.set.Poll
		if err := r.round(ctx); err != nil && ctx.Err() == nil {
			fault := hub.FaultOf(err)
			after = max(after, fault.After)
			r.log.Warn("zms: not everything could be asked", zap.String("code", fault.Code), zap.Error(err), zap.Duration("again", after))
		}
		timer := time.NewTimer(after)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// publish publishes what is due, the oldest first. What the hub refuses for good is
// set aside.
func (r *run) publish(ctx context.Context) error {
	for len(r.journal.pending) > 0 {
		e, err := readEvent(r.journal.pending[0])
		if err != nil {
			return err
		}
		err = r.in.Publish(ctx, e)
		if fault, ok := errors.AsType[*hub.Fault](err); ok && fault.Permanent {
			err = r.aside.event(e, r.journal.pending[0], fault.Code)
		}
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if err := r.journal.commit(record{Done: 1}); err != nil {
			return err
		}
	}
	return nil
}
