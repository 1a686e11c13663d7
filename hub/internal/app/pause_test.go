package app

import (
	"context"
	"errors"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/console"
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
