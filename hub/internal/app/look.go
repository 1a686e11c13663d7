package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

// Looking is a reading hand on a hub's data.
type Looking struct {
	Bus  *bus.Bus
	data string
	last *Running
}

// Look opens the streams of the hub on a data directory for fn: the running
// one's, or, when it is stopped, the store itself. With ext it joins that
// server instead.
func Look(ctx context.Context, data string, ext *bus.External, fn func(context.Context, *Looking) error) error {
	data, err := filepath.Abs(data)
	if err != nil {
		return err
	}
	last, err := ReadRunning(data)
	if err != nil {
		return err
	}
	l := &Looking{data: data, last: last}
	switch {
	case ext != nil:
		l.Bus, err = bus.Dial(ctx, *ext, zap.NewNop())
	case last == nil:
		return fmt.Errorf("%s is no data directory of a hub: give the one that \"amtsbote serve\" printed with --data", data)
	case !last.Embedded:
		return errors.New("this hub uses an external NATS server: give its address with --nats")
	default:
		return l.lookEmbedded(ctx, fn)
	}
	if err != nil {
		return err
	}
	defer l.Bus.Close()
	return fn(ctx, l)
}

// lookEmbedded uses the running server if there is one; if not, the lock is
// free and the store is opened without a listener.
func (l *Looking) lookEmbedded(ctx context.Context, fn func(context.Context, *Looking) error) error {
	f, err := lock(l.data)
	if errors.Is(err, ErrInUse) {
		if l.Bus, err = l.last.dial(ctx, l.data); err != nil {
			return err
		}
		defer l.Bus.Close()
		return fn(ctx, l)
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	s, err := bus.StartEmbedded(bus.Embedded{Dir: l.data, MaxStore: 1 << 50, AllowTemp: true}, zap.NewNop())
	if err != nil {
		return err
	}
	defer s.Stop()
	if l.Bus, err = s.Connect(ctx, zap.NewNop()); err != nil {
		return err
	}
	defer l.Bus.Close()
	return fn(ctx, l)
}

// FilesInError tells, a line a folder, how many files adapters have set aside:
// one of them may be what is looked for.
func (l *Looking) FilesInError() []string {
	if l.last == nil {
		return nil
	}
	var out []string
	for _, a := range l.last.Adapters {
		if a.Places.SetAside == "" {
			continue
		}
		reports, err := filepath.Glob(filepath.Join(a.Places.SetAside, "*.fehler.json"))
		if err != nil {
			continue
		}
		out = append(out, fmt.Sprintf("adapter %s: %d files set aside in %s", a.Name, len(reports), a.Places.SetAside))
	}
	return out
}
