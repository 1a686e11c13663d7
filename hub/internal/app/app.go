package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/keep"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
	"github.com/amtsbote/amtsbote/hub/internal/mail"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
	"github.com/amtsbote/amtsbote/hub/internal/mend"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
	"github.com/amtsbote/amtsbote/hub/internal/replay"
)

// App is the hub, running or about to.
type App struct {
	cfg   Config
	kinds Kinds
	log   *zap.Logger
	// version of the federation directory that is in force; Reload replaces it
	// whole.
	version atomic.Pointer[flow.Version]

	lockFile *os.File
	server   *bus.Server
	operator *bus.Operator // of an external server
	doors    doors         // one of the two; nil: no organisation can connect
	bus      *bus.Bus
	store    *bus.Store
	blobs    *bus.Blobs
	index    *index.Index
	ledger   *ledger.Ledger
	secret   []byte // the ledger's key, this installation's own: other keys are derived from it
	mender   *mend.Mender
	recorder *mailbox.Recorder
	hands    *mailbox.Hands
	attempts *mailbox.Attempts
	boxes    *quota.Book
	keeper   *keep.Keeper
	handed   chan struct{} // a sender is to be told that a copy was handed over
	door     *door         // nil: no HTTP
	mails    *mail.Server  // nil: none
	post     *mail.Post    // nil as well then
	tokens   tokens
	pauses   pauses
	steward  *steward // nil: no console
	replays  *replay.Engine

	reloading sync.Mutex
	units     map[string]*unit // what a reload can stop and start, by name
	working   atomic.Pointer[atWork]

	cancel context.CancelFunc
	run    context.Context
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
	if cfg.PublicURL != "" && !strings.HasPrefix(cfg.PublicURL, "https://") {
		return nil, fmt.Errorf("public address %q: receivers consent by https only", cfg.PublicURL)
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
	a := &App{cfg: cfg, kinds: kinds, log: cfg.Log, units: map[string]*unit{}, handed: make(chan struct{}, 1)}
	if cfg.HTTP != nil {
		a.door = newDoor(cfg.Observer)
		a.cfg.Observer = a.door
	}
	if cfg.Mail != nil {
		if a.mails, err = cfg.Mail.Open(); err != nil {
			return nil, err
		}
	}
	a.version.Store(flow.NewVersion(fed))
	return a, nil
}

// Federation is the version of the federation that is in force.
func (a *App) Federation() *federation.Federation { return a.version.Load().Federation }

// Data is the data directory, absolute.
func (a *App) Data() string { return a.cfg.Data }

// Adapters tells which adapters run and where.
func (a *App) Adapters() []RunningAdapter { return slices.Clone(a.atWork().adapters) }

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
	a.bus.Ahead(a.cfg.Memory / 8)
	if err = a.prepare(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.group, a.run = errgroup.WithContext(run)
	a.done = a.run.Done()
	if err = a.launch(ctx); err != nil {
		return err
	}
	return a.announce()
}

// announce says where the hub runs and what.
func (a *App) announce() error {
	fed := a.Federation()
	return announce(a.cfg.Data, Running{
		PID: os.Getpid(), URL: a.URL(), Embedded: a.server != nil, Federation: fed.Dir, Version: fed.Digest, Adapters: a.Adapters(),
		HTTP: a.HTTPURL(),
	})
}

func (a *App) connect(ctx context.Context) (err error) {
	if a.cfg.External != nil {
		return a.connectExternal(ctx)
	}
	a.server, err = bus.StartEmbedded(a.embedded(), a.log)
	if err != nil {
		return err
	}
	a.doors = a.server
	a.bus, err = a.server.Connect(ctx, a.log)
	return err
}

func (a *App) embedded() bus.Embedded {
	fed := a.Federation()
	return bus.Embedded{
		Dir: a.cfg.Data, Listen: a.cfg.Listen, TLS: a.cfg.TLS, AllowTemp: a.cfg.AllowTemp, MaxStore: maxStore,
		Mailboxes: mailboxes(fed), Organisations: connecting(fed), Spare: filepath.Join(a.cfg.Data, ledgerDir, "spare"),
	}
}

func (a *App) connectExternal(ctx context.Context) (err error) {
	ext := *a.cfg.External
	if ext.OperatorKey == "" {
		if a.bus, err = bus.Dial(ctx, ext, a.log); err != nil {
			return err
		}
		return a.verifyServer(ctx)
	}
	if a.operator, err = bus.JoinOperator(ctx, ext, a.embedded(), a.log); err != nil {
		return err
	}
	a.doors = a.operator
	a.bus, err = a.operator.Connect(ctx, a.log)
	return err
}

// verifyServer refuses an external server that breaks a promise, but for what the
// operator accepts by name.
func (a *App) verifyServer(ctx context.Context) error {
	found, err := a.bus.VerifyServer(ctx, a.cfg.Monitor)
	if err != nil {
		return err
	}
	var refused bus.ServerError
	for _, d := range found {
		if d.Name == "" || !slices.Contains(a.cfg.Accept, d.Name) {
			refused = append(refused, d.Says)
			continue
		}
		a.log.Warn("a promise is broken by the NATS server, as accepted", zap.String("accepted", d.Name), zap.String("says", d.Says))
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// maxStore is what JetStream may reserve: fixed, since the server's default
// shrinks with the free space, and far above what streams are limited to, since
// those of organisations that have left keep their share.
const maxStore = 1 << 46

// mailboxes tells who has one, and which the hub hands out itself.
func mailboxes(fed *federation.Federation) bus.MailboxOwners {
	var out bus.MailboxOwners
	for _, app := range fed.Applications() {
		if app.Mailbox == nil {
			continue
		}
		out.All = append(out.All, app.ID)
		if app.Mailbox.HandedOut() {
			out.Sinks = append(out.Sinks, app.ID)
		}
	}
	return out
}

// prepare makes or compares what must exist, compares what is stored with the
// ledger, and reads the trail.
func (a *App) prepare(ctx context.Context) (err error) {
	if err := a.openLedger(); err != nil {
		return err
	}
	if err := a.mender.Streams(ctx); err != nil {
		return fmt.Errorf("compare the store with the ledger: %w", err)
	}
	layout := a.cfg.layout()
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
	if err := a.provide(ctx, a.Federation()); err != nil {
		return err
	}
	if err := a.leftBehind(ctx); err != nil {
		return err
	}
	if err := a.records(ctx); err != nil {
		return fmt.Errorf("compare the store with the ledger: %w", err)
	}
	if err := a.complete(ctx); err != nil {
		return err
	}
	if a.index, err = openIndex(ctx, a.bus, a.cfg.Data, a.cfg.index()); err != nil {
		return err
	}
	return a.compared(ctx)
}

// complete has decisions in the trail that a hub before has stored with their copies and did not
// get to record (ADR 0025), before anybody goes by the trail. If there is no room for them now,
// the lanes do that, before they decide.
func (a *App) complete(ctx context.Context) error {
	ins, err := a.bus.InStreams(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, completeFor)
	defer cancel()
	for _, in := range ins {
		err := flow.Complete(limited, a.bus, in, a.log)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			a.log.Warn("the trail could not be completed yet", zap.String("in", in), zap.Error(err))
		}
	}
	return nil
}

// completeFor is how long a start tries that.
const completeFor = 15 * time.Second

// provide makes or compares the streams and mailboxes that a version needs, and
// keeps the version itself, so that a decision can be explained later.
func (a *App) provide(ctx context.Context, fed *federation.Federation) error {
	specs, err := a.specs(fed)
	if err != nil {
		return err
	}
	if err := a.bus.EnsureStreams(ctx, specs); err != nil {
		return err
	}
	for _, app := range fed.Applications() {
		if app.Mailbox == nil {
			continue
		}
		if err := a.bus.EnsureMailbox(ctx, app.ID, app.Mailbox.MaxAckPending); err != nil {
			return err
		}
	}
	return errors.Join(a.settlePauses(ctx, fed), a.keepVersion(ctx, fed))
}

// mailboxQuota is what a mailbox may hold by the version that is in force; an
// application that has left keeps the usual one.
func (a *App) mailboxQuota(application string) int64 {
	if app, ok := a.Federation().Application(application); ok && app.Mailbox != nil {
		return app.Mailbox.QuotaBytes
	}
	return federation.DefaultMailboxQuota
}

// launch starts all that runs until Stop.
func (a *App) launch(ctx context.Context) error {
	a.recorder = mailbox.NewRecorder(a.bus, a.index, a.delivered, a.log)
	a.group.Go(func() error { return a.recorder.Run(a.run) })
	a.group.Go(func() error { return a.watch(a.run) })
	a.group.Go(func() error { return a.keepIndex(a.run) })
	a.group.Go(func() error { return a.ledger.Run(a.run) })
	a.group.Go(func() error { return a.keepLedger(a.run) })
	a.group.Go(func() error { return a.scrub(a.run) })
	a.hands, a.attempts = mailbox.NewHands(), mailbox.NewAttempts()
	a.boxes = &quota.Book{Bus: a.bus, Limit: a.mailboxQuota, Total: a.cfg.layout().Out, Log: a.log}
	if err := a.boxes.Look(ctx); err != nil {
		return err
	}
	a.group.Go(func() error { return a.boxes.Run(a.run) })
	a.group.Go(func() error { return a.keepDoors(a.run) })
	plans, err := a.plan(a.Federation())
	if err != nil {
		return err
	}
	if !a.cfg.NoSimulators { // before the adapters ask them
		if err := a.simulators(a.run); err != nil {
			return err
		}
	}
	if err := a.openPost(ctx); err != nil {
		return err
	}
	a.apply(plans)
	a.keep() // before a reload can be asked for
	a.replay()
	if err := a.admit(ctx); err != nil {
		return err
	}
	if err := a.control(ctx); err != nil {
		return err
	}
	if err := a.openDoor(ctx); err != nil {
		return err
	}
	return a.openConsole(ctx)
}

// Done is closed when the hub cannot go on; Stop then tells why.
func (a *App) Done() <-chan struct{} { return a.done }
