package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestGated: a pause ends what runs and waits for it, and its end lets it run again; what
// fails or ends by itself is not run again.
func TestGated(t *testing.T) {
	t.Parallel()
	p := &pauses{}
	p.set("source.other", &console.Pause{})
	began, ended := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	all := make(chan error, 1)
	go func() {
		all <- p.gated("source.x", func(ctx context.Context) error {
			began <- struct{}{}
			<-ctx.Done()
			ended <- struct{}{}
			return nil
		})(ctx)
	}()
	<-began
	p.set("source.other", nil) // another's concerns it not
	for range 2 {
		p.set("source.x", &console.Pause{Who: "w"})
		<-ended
		if one, _ := p.get("source.x"); one == nil || one.Who != "w" {
			t.Error("paused by", one)
		}
		p.set("source.x", nil)
		<-began
	}
	p.set("source.x", &console.Pause{})
	<-ended
	cancel()
	if err := <-all; err != nil {
		t.Error(err)
	}
	bad := errors.New("bad")
	if err := p.gated("source.y", func(context.Context) error { return bad })(t.Context()); !errors.Is(err, bad) {
		t.Error("an error:", err)
	}
	if err := p.gated("source.y", func(context.Context) error { return nil })(t.Context()); err != nil {
		t.Error("an end:", err)
	}
}

// TestPausedShown: who looks at what is paused does not wait for a reload.
func TestPausedShown(t *testing.T) {
	t.Parallel()
	a := &App{}
	a.version.Store(flow.NewVersion(hubtest.Federation(t)))
	a.units = map[string]*unit{"adapter x": {adapter: &RunningAdapter{Name: "x"}}}
	a.showWork()
	a.pauses.set(pausedReceiver+"beta.one", &console.Pause{Who: "w"})
	a.reloading.Lock()
	defer a.reloading.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if boxes, _ := (consoleHub{a}).Paused(); len(boxes) != 1 || boxes["beta.one"].Who != "w" || len(a.Adapters()) != 1 || len(a.hooks()) != 0 {
			t.Error("shown are", boxes, a.Adapters())
		}
	}()
	select {
	case <-done:
	case <-time.After(hubtest.Patience):
		t.Fatal("it waits for the reload")
	}
}
