package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

// dial joins the running hub's server with the local credential.
func (r *Running) dial(ctx context.Context, data string) (*bus.Bus, error) {
	if r.URL == "" {
		return nil, errors.New("the hub is running without a listener: stop it, or start it with --listen")
	}
	ext := bus.External{URL: r.URL, Creds: filepath.Join(data, bus.LocalCredential)}
	if strings.HasPrefix(r.URL, "tls://") {
		ext.URL, ext.Socket = "", filepath.Join(data, bus.Socket)
	}
	return bus.Dial(ctx, ext, zap.NewNop())
}

// Ask has the hub that runs on a data directory, or on the server ext, do
// something: verb with req, which it answers into answer, both JSON.
// bus.ErrNoHub means that it is not running, a bus.ActError why it did not.
func Ask(ctx context.Context, data string, ext *bus.External, verb string, req, answer any) error {
	b, err := reachRunning(ctx, data, ext)
	if err != nil {
		return err
	}
	defer b.Close()
	asked, err := json.Marshal(req)
	if err != nil {
		return err
	}
	got, err := b.Call(ctx, verb, asked)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("read the hub's answer to %s: %w", verb, err)
	}
	return nil
}

func reachRunning(ctx context.Context, data string, ext *bus.External) (*bus.Bus, error) {
	if ext != nil {
		return bus.Dial(ctx, *ext, zap.NewNop())
	}
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	last, err := ReadRunning(data)
	switch {
	case err != nil:
		return nil, err
	case last == nil:
		return nil, fmt.Errorf("%s is no data directory of a hub: give the one that \"amtsbote serve\" printed with --data", data)
	case !last.Embedded:
		return nil, errors.New("this hub uses an external NATS server: give its address with --nats")
	}
	f, err := lock(data)
	if errors.Is(err, ErrInUse) {
		return last.dial(ctx, data)
	}
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(bus.ErrNoHub, f.Close())
}
