package postgres

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// work is what became of the rows of one turn.
type work struct {
	rows []row
	done []bool  // stored, refused for good, or not for the hub
	bad  []error // why it is set aside
	skip []bool  // not for the hub
}

// publish has the rows stored: those of one key one after another, several keys at
// once. It returns when all are done or ctx ends.
func (r *run) publish(ctx context.Context, rows []row) *work {
	w := &work{rows: rows, done: make([]bool, len(rows)), bad: make([]error, len(rows)), skip: make([]bool, len(rows))}
	lanes := make([][]item, r.set.AtOnce)
	for i := range rows {
		if r.cursor.ahead(rows[i].place) {
			w.done[i] = true
			continue
		}
		e, skip, err := r.event(&rows[i])
		if err != nil || skip {
			w.done[i], w.bad[i], w.skip[i] = true, err, skip
			continue
		}
		n := laneOf(e, r.set.AtOnce)
		lanes[n] = append(lanes[n], item{i, e})
	}
	var group sync.WaitGroup
	for _, lane := range lanes {
		if len(lane) > 0 {
			group.Go(func() { r.lane(ctx, w, lane) })
		}
	}
	group.Wait()
	return w
}

type item struct {
	row   int
	event hub.Event
}

// laneOf keeps the events of one key in one lane; the key is the hub's.
func laneOf(e hub.Event, lanes int) int {
	key, _ := e.Extensions()[hub.AttrCorrelationID].(string)
	if key == "" {
		key = e.Subject()
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % uint32(lanes)) //nolint:gosec // 1 to 256
}

func (r *run) lane(ctx context.Context, w *work, lane []item) {
	for _, it := range lane {
		err := r.untilStored(ctx, it.event)
		if err != nil && (!hub.FaultOf(err).Permanent || ctx.Err() != nil) {
			return
		}
		w.done[it.row], w.bad[it.row] = true, err
	}
}

// untilStored publishes an event until it is stored, refused for good, or ctx ends.
func (r *run) untilStored(ctx context.Context, e hub.Event) error {
	var delay backoff
	for {
		err := r.in.Publish(ctx, e)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case hub.FaultOf(err).Permanent:
			return fmt.Errorf("publish event: %w", err)
		}
		wait := max(delay.next(), hub.FaultOf(err).After)
		r.log.Warn("postgres: an event could not be stored; trying again", zap.Duration("after", wait), zap.Error(err))
		sleep(ctx, wait)
	}
}
