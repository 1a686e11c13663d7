package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// VerbIndex asks the running hub for the index.Status of its index.
const VerbIndex = "index-status"

func (a *App) serveIndex(context.Context, []byte) ([]byte, error) {
	s, err := a.index.Status()
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// IndexStatus tells what the index of a data directory holds. From a running hub
// the number of entries is approximate, counted is false then.
func IndexStatus(ctx context.Context, data string, ext *bus.External) (s index.Status, counted bool, err error) {
	data, f, err := lockStopped(data)
	if errors.Is(err, ErrInUse) {
		return s, false, Ask(ctx, data, ext, VerbIndex, nil, &s)
	}
	if err != nil {
		return s, false, err
	}
	s, err = index.Inspect(filepath.Join(data, indexDir))
	return s, true, errors.Join(err, f.Close())
}

// RebuildIndex drops the index of a stopped hub and makes it anew from the trail.
func RebuildIndex(ctx context.Context, data string, ext *bus.External, log *zap.Logger) (s index.Status, err error) {
	data, f, err := lockStopped(data)
	if err != nil {
		return s, err
	}
	defer func() { _ = f.Close() }()
	var b *bus.Bus
	if ext != nil {
		b, err = bus.Dial(ctx, *ext, log)
	} else {
		var server *bus.Server
		if server, err = bus.StartEmbedded(bus.Embedded{Dir: data, MaxStore: maxStore, AllowTemp: true}, log); err != nil {
			return s, err
		}
		defer server.Stop()
		b, err = server.Connect(ctx, log)
	}
	if err != nil {
		return s, err
	}
	defer b.Close()
	if err := os.RemoveAll(filepath.Join(data, indexDir)); err != nil {
		return s, fmt.Errorf("drop the index: %w", err)
	}
	x, err := openIndex(ctx, b, data, index.Options{Log: log})
	if err != nil {
		return s, err
	}
	if err := x.Close(); err != nil {
		return s, err
	}
	return index.Inspect(filepath.Join(data, indexDir))
}

// lockStopped locks the data directory of a hub that is stopped.
func lockStopped(data string) (string, *os.File, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return data, nil, err
	}
	last, err := ReadRunning(data)
	if err != nil {
		return data, nil, err
	}
	if last == nil {
		return data, nil, fmt.Errorf("%s is no data directory of a hub: give the one that \"amtsbote serve\" printed with --data", data)
	}
	f, err := lock(data)
	return data, f, err
}
