package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

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
	keys := map[string][]item{}
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
		key := keyOf(e)
		keys[key] = append(keys[key], item{i, e})
	}
	var group errgroup.Group
	group.SetLimit(r.set.AtOnce)
	for _, key := range longestFirst(keys) {
		group.Go(func() error { r.lane(ctx, w, keys[key]); return nil })
	}
	_ = group.Wait() // lanes say in w what became of their rows
	return w
}

// longestFirst gives the keys so that none with many events is left for the end.
func longestFirst(keys map[string][]item) []string {
	return slices.SortedFunc(maps.Keys(keys), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(keys[b]), len(keys[a])), cmp.Compare(a, b))
	})
}

type item struct {
	row   int
	event hub.Event
}

// keyOf is what the hub orders events by.
func keyOf(e hub.Event) string {
	if key, _ := e.Extensions()[hub.AttrCorrelationID].(string); key != "" {
		return key
	}
	return e.Subject()
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
