package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// worker ends in the ways of ends, one after the other, and then works on.
type worker struct {
	ends  []func() error
	calls int
}

func (w *worker) Work(ctx context.Context) error {
	w.calls++
	if w.calls <= len(w.ends) {
		return w.ends[w.calls-1]()
	}
	<-ctx.Done()
	return nil
}

// Work that fails, panics or ends by itself begins again; with ctx it ends.
func TestWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &worker{ends: []func() error{
			func() error { return errors.New("away") }, func() error { panic("unforeseen") }, func() error { return nil },
		}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- worked(w, zap.NewNop())(ctx) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.calls != 4 {
			t.Errorf("worked %d times, want 4", w.calls)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
