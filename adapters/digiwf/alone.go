package digiwf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// alone is whether what is asked is answered later, out of this adapter's memory: then
// nobody else may take requests of its group, whose answers would come here or not.
func (set *settings) alone() bool {
	return slices.ContainsFunc(set.Integration.Requests, func(q request) bool {
		return q.Reply == replyDelivered || q.Reply == replyEvent
	})
}

const (
	lookEvery  = time.Second      // for others to leave
	lookAround = 30 * time.Second // for others who came at the same time
)

// vacant waits until the group has no consumer. One that was killed is in it until its
// session ends (45 s); who stays for twice the setting timeout is another one.
func (r *run) vacant(ctx context.Context) error {
	if !r.set.alone() {
		return nil
	}
	for end := time.Now().Add(2 * r.set.Kafka.Timeout); ; {
		n, err := r.set.Kafka.Members(ctx, r.set.Kafka.Group)
		switch {
		case errors.Is(err, wire.ErrMayNotAsk):
			r.log.Warn("digiwf: whether the group has another consumer cannot be told", zap.Error(err))
			return nil
		case err != nil:
			return err
		case n == 0:
			return nil
		case !time.Now().Before(end):
			return r.shared()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(lookEvery, time.Until(end)+time.Millisecond)):
		}
	}
}

func (r *run) shared() error {
	return fmt.Errorf("kafka: group %s has another consumer, which takes requests that only the adapter that took them can answer (reply: delivered, event): "+
		"give each hub a group of its own, or end the other one (operator)", r.set.Kafka.Group)
}

// watchGroup ends when somebody has come into the group at the same time.
func (r *run) watchGroup(ctx context.Context) error {
	if !r.set.alone() {
		return nil
	}
	tick := time.NewTicker(lookAround)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if n, err := r.set.Kafka.Members(ctx, r.set.Kafka.Group); err == nil && n > 1 {
			return r.shared()
		}
	}
}
