package app_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestRemove: of a story that is long over nothing lies in the hub but its trail.
func TestRemove(t *testing.T) {
	dir, data, w := story(t), filepath.Join(t.TempDir(), "data"), newWatch()
	a := startApp(t, app.Config{
		Directory: dir, Data: data, Observer: w, Listen: "127.0.0.1:0",
		Now: func() time.Time { return time.Now().Add(400 * 24 * time.Hour) },
	})
	defer func() { stopApp(t, a) }()
	handIn(t, dir, data)
	w.expect(t, 5, 12)
	deadline := time.After(hubtest.Patience)
	for lying(t, data) > 0 {
		if err := a.Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-time.After(100 * time.Millisecond): // the lanes move their cursors up when they are idle
		case <-deadline:
			t.Fatalf("%d messages are left", lying(t, data))
		}
	}
}

// lying counts the events and copies that a hub holds.
func lying(t *testing.T, data string) (n uint64) {
	t.Helper()
	err := app.Look(t.Context(), data, nil, func(ctx context.Context, l *app.Looking) error {
		streams, err := l.Bus.InStreams(ctx)
		if err != nil {
			return err
		}
		copies, err := l.Bus.Subjects(ctx, bus.Out, "out.*.*.>")
		if err != nil {
			return err
		}
		for _, some := range copies {
			n += some
		}
		for _, in := range streams {
			some, _, err := l.Bus.Size(ctx, in)
			if err != nil {
				return err
			}
			n += some
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
