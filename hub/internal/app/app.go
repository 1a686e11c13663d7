package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// App is the hub, running or about to.
type App struct {
	cfg   Config
	kinds Kinds
	fed   *federation.Federation
	log   *zap.Logger

	lockFile *os.File
	server   *bus.Server
	bus      *bus.Bus
	store    *bus.Store
	blobs    *bus.Blobs
	index    *index.Index
	recorder *mailbox.Recorder
	running  []RunningAdapter
	places   map[string]place // where keys are parked, by placeOf

	cancel context.CancelFunc
	group  *errgroup.Group
	done   <-chan struct{}
}

// New reads and checks the federation directory. Errors in it are an
// InvalidError with all of them.
func New(cfg Config) (*App, error) {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Observer == nil {
		cfg.Observer = silent{}
	}
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		return nil, fmt.Errorf("data directory %q: %w", cfg.Data, err)
	}
	cfg.Data = data
	kinds := Kinds{cfg.Kinds, cfg.Simulators}
	fed, findings := federation.Load(cfg.Directory, kinds)
	if fed == nil {
		return nil, &InvalidError{cfg.Directory, findings}
	}
	for _, f := range findings {
		cfg.Log.Warn("federation directory", zap.String("finding", f.String()))
	}
	return &App{cfg: cfg, kinds: kinds, fed: fed, log: cfg.Log, index: index.New(), places: map[string]place{}}, nil
}

// Federation is what the hub runs.
func (a *App) Federation() *federation.Federation { return a.fed }

// Data is the data directory, absolute.
func (a *App) Data() string { return a.cfg.Data }

// Adapters tells which adapters run and where.
func (a *App) Adapters() []RunningAdapter { return a.running }

// URL is where NATS clients reach the embedded server; "" if it does not
// listen or an external server is used.
func (a *App) URL() string {
	if a.server == nil {
		return ""
	}
	return a.server.URL()
}

// Start brings the hub up and returns when it is at work. A failed Start leaves
// nothing running.
func (a *App) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
		}
	}()
	if a.lockFile, err = lock(a.cfg.Data); err != nil {
		return err
	}
	if err = a.connect(ctx); err != nil {
		return err
	}
	if err = a.prepare(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.group, run = errgroup.WithContext(run)
	a.done = run.Done()
	if err = a.launch(run); err != nil {
		return err
	}
	return announce(a.cfg.Data, Running{
		PID: os.Getpid(), URL: a.URL(), Embedded: a.server != nil, Federation: a.fed.Dir, Adapters: a.running,
	})
}

func (a *App) connect(ctx context.Context) (err error) {
	if a.cfg.External != nil {
		if a.cfg.Monitor != "" {
			if err := bus.VerifyServer(ctx, a.cfg.Monitor); err != nil {
				return err
			}
		} else {
			a.log.Warn("the external NATS server's settings are not verified: give its monitoring address (--nats-monitor) to have sync, strict and login checked at every start")
		}
		a.bus, err = bus.Dial(ctx, *a.cfg.External, a.log)
		return err
	}
	a.server, err = bus.StartEmbedded(bus.Embedded{
		Dir: a.cfg.Data, Listen: a.cfg.Listen, AllowTemp: a.cfg.AllowTemp,
		MaxStore: maxStore, Sinks: a.mailboxes(federation.ModeSink), Mailboxes: a.mailboxes(""),
	}, a.log)
	if err != nil {
		return err
	}
	a.bus, err = a.server.Connect(ctx, a.log)
	return err
}

// maxStore is what JetStream may reserve: fixed, since the server's default
// shrinks with the free space, and far above what streams are limited to, since
// those of organisations that have left keep their share.
const maxStore = 1 << 46

func (a *App) organisations() []bus.Organisation {
	var out []bus.Organisation
	for _, o := range a.fed.Organisations {
		out = append(out, bus.Organisation{ID: o.ID, Quota: o.QuotaBytes})
	}
	return out
}

// prepare makes or compares what must exist, and reads the trail.
func (a *App) prepare(ctx context.Context) (err error) {
	layout := a.cfg.layout()
	if err = a.bus.EnsureStreams(ctx, layout.Specs(a.organisations())); err != nil {
		return err
	}
	if a.store, err = a.bus.EnsureStore(ctx, layout.State, layout.Replicas); err != nil {
		return err
	}
	if a.blobs, err = a.bus.EnsureBlobs(ctx, layout.Blobs, layout.Replicas); err != nil {
		return err
	}
	if n, err := a.blobs.Sweep(ctx); err != nil {
		return err
	} else if n > 0 {
		a.log.Info("removed unfinished blobs", zap.Int("count", n))
	}
	for _, app := range a.applications() {
		if app.Mailbox == nil {
			continue
		}
		if err := a.bus.EnsureMailbox(ctx, app.ID, app.Mailbox.MaxAckPending); err != nil {
			return err
		}
	}
	if err := a.leftBehind(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := a.bus.Read(ctx, bus.Trail, 1, nil, a.index.Apply); err != nil {
		return fmt.Errorf("read the trail: %w", err)
	}
	a.log.Info("trail read", zap.Uint64("records", a.index.Applied()), zap.Duration("took", time.Since(began)))
	return nil
}

// mailboxes lists the applications with a mailbox of a mode, "" for any.
func (a *App) mailboxes(mode federation.MailboxMode) []string {
	var out []string
	for _, app := range a.applications() {
		if app.Mailbox != nil && (mode == "" || app.Mailbox.Mode == mode) {
			out = append(out, app.ID)
		}
	}
	return out
}

func (a *App) applications() []*federation.Application {
	var out []*federation.Application
	for _, o := range a.fed.Organisations {
		out = append(out, o.Applications...)
	}
	return out
}

// launch starts all that runs until Stop.
func (a *App) launch(ctx context.Context) error {
	a.recorder = mailbox.NewRecorder(a.bus, a.index, a.cfg.Observer.Delivered, a.log)
	a.group.Go(func() error { return a.recorder.Run(ctx) })
	a.lanes(ctx)
	if err := a.adapters(ctx); err != nil {
		return err
	}
	a.control(ctx)
	if a.cfg.NoSimulators {
		return nil
	}
	return a.simulators(ctx)
}

// lanes starts the work on every in stream.
func (a *App) lanes(ctx context.Context) {
	sender := send.New(a.fed.Schemas)
	decider := &flow.Decider{Federation: a.fed, Seen: a.index.Lookup, Now: time.Now}
	for _, o := range a.fed.Organisations {
		deciding := &sync.Mutex{}
		parking := a.parking(ctx, o.ID, deciding)
		for _, in := range []string{bus.InStream(o.ID), bus.EdgeStream(o.ID)} {
			l := &flow.Lane{
				Organisation: o.ID, In: in, Bus: a.bus, Decider: decider, Sender: sender, Index: a.index,
				Deciding: deciding, Parking: parking, Decided: a.cfg.Observer.Decided, Log: a.log.With(zap.String("in", in)),
			}
			a.group.Go(func() error { return l.Run(ctx) })
		}
	}
}

// Done is closed when the hub cannot go on; Stop then tells why.
func (a *App) Done() <-chan struct{} { return a.done }

// Stop ends everything and waits for it. What was acknowledged is stored, so
// nothing is drained.
func (a *App) Stop() error {
	var err error
	if a.cancel != nil {
		a.cancel()
		err = a.group.Wait()
	}
	if a.bus != nil {
		a.bus.Close()
	}
	if a.server != nil {
		a.server.Stop()
	}
	if a.lockFile != nil {
		err = errors.Join(err, a.lockFile.Close())
	}
	a.cancel, a.bus, a.server, a.lockFile = nil, nil, nil, nil
	return err
}
