package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/amtsbote/amtsbote/hub"
)

// Run runs an adapter of one of kinds until ctx ends. data is its data directory: the
// source's state, and where relative paths in the adapter's settings start; one process
// at a time has it.
func Run(ctx context.Context, f *File, data string, log *zap.Logger, kinds ...hub.Kind) error {
	var kind *hub.Kind
	for i := range kinds {
		if kinds[i].Name == f.Kind {
			kind = &kinds[i]
		}
	}
	if kind == nil {
		return fmt.Errorf("there is no kind of adapter %q", f.Kind)
	}
	data, err := filepath.Abs(data)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	unlock, err := lock(data)
	if err != nil {
		return err
	}
	defer unlock()
	client, err := f.client()
	if err != nil {
		return err
	}
	defer client.HTTP.CloseIdleConnections()
	return f.run(ctx, kind, data, client, log)
}

func (f *File) run(ctx context.Context, kind *hub.Kind, data string, client *Client, log *zap.Logger) error {
	env := hub.Env{Application: f.Application, Adapter: kind.Name, Dir: data, Federation: f.dir, Production: f.Production, Log: log}
	box := &Mailbox{Client: client, Application: f.Application, Lease: f.Lease, AtOnce: f.AtOnce, Log: log}
	in := &Intake{Client: client, Dir: filepath.Join(data, "state")}
	var err error
	if kind.Source != nil {
		if in.Source, err = kind.Source(env, &f.Settings); err != nil {
			return err
		}
		if box.Listener, _ = in.Source.(hub.Listener); box.Listener != nil {
			box.Receipts = state(filepath.Join(data, "receipts"))
		}
	}
	if kind.Sink != nil {
		if box.Sink, err = kind.Sink(env, &f.Settings); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	start := func(run func(context.Context) error) {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				errs <- err
				stop()
			}
		})
	}
	if in.Source != nil {
		start(again(log, "source", func(ctx context.Context) error { return in.Source.Run(ctx, in) }))
	}
	if w, ok := box.Sink.(hub.Worker); ok {
		start(again(log, "sink", w.Work))
	}
	start(box.Run)
	if dir, kept := box.Receipts.(state); kept {
		start(func(ctx context.Context) error {
			tick := time.NewTicker(sweepEvery)
			defer tick.Stop()
			return sweepAlways(ctx, string(dir), tick.C)
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// again runs a part of the adapter; when it gives up it is started again, later and later.
func again(log *zap.Logger, part string, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for wait := firstWait; ctx.Err() == nil; wait = min(2*wait, mostWait) {
			began := time.Now()
			err := once(ctx, part, run)
			if ctx.Err() != nil {
				break
			}
			if time.Since(began) > mostWait {
				wait = firstWait // it ran well meanwhile
			}
			log.Error(part+" stopped; starting it again", zap.Duration("after", wait), zap.Error(err))
			pause(ctx, wait)
		}
		return nil
	}
}

// once turns a panic of a part into an error.
func once(ctx context.Context, part string, run func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the %s failed in a way it did not foresee (%T)", part, p)
		}
	}()
	return run(ctx)
}

// ErrInUse means that another process has the data directory.
var ErrInUse = errors.New("the data directory is in use by another process")

func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // named by the operator
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // named by the operator
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return func() { _ = f.Close() }, nil
}

// Main is the main of an adapter's own program: it runs FILE with the data directory
// DATA until it is told to stop, and exits.
//
//	program FILE DATA
func Main(kinds ...hub.Kind) {
	if len(os.Args) != 3 {
		fmt.Fprintf(os.Stderr, "usage: %s FILE DATA\n", os.Args[0])
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], kinds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, data string, kinds []hub.Kind) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := ReadFile(file)
	if err != nil {
		return err
	}
	log, err := zap.NewProduction()
	if err != nil {
		return err
	}
	return Run(ctx, f, data, log, kinds...)
}
