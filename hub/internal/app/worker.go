package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// worked runs what a sink does between deliveries until ctx ends; when it gives up it
// is started again.
func worked(w hub.Worker, log *zap.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		for attempt := 1; ctx.Err() == nil; attempt++ {
			began := time.Now()
			err := workOnce(ctx, w)
			if ctx.Err() != nil {
				break
			}
			if time.Since(began) > settle.MaxDelay {
				attempt = 1 // it ran well meanwhile
			}
			log.Error("sink stopped its work between deliveries; starting it again", zap.Int("attempt", attempt), zap.Error(err))
			settle.Wait(ctx, settle.Backoff(attempt, settle.Jitter()))
		}
		return nil
	}
}

// workOnce turns a panic of the sink into an error. Work that ends by itself is one, too.
func workOnce(ctx context.Context, w hub.Worker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the sink failed in a way it did not foresee (%T)", p)
		}
	}()
	if err := w.Work(ctx); err != nil {
		return err
	}
	return errors.New("it ended by itself")
}
