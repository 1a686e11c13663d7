package httpapi

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Refusals writes to the trail what was refused at the door: one record for each
// application and code in an interval.
type Refusals struct {
	Bus *bus.Bus
	// Every is the interval; 0 is RefusalsEvery.
	Every time.Duration
	Now   func() time.Time
	// Counted hears of each; nil: nobody.
	Counted func(application string, code refusal.Code)
	Log     *zap.Logger

	mu   sync.Mutex
	open map[refused]*decision.DoorRefusal
}

// RefusalsEvery is how often refusals are written down. A crash forgets those of the
// last interval, at most.
const RefusalsEvery = 10 * time.Second

type refused struct {
	application string
	code        refusal.Code
}

// Add notes that something of an application was refused. digest is its SHA-256 in
// hexadecimal digits; "" when it held nothing.
func (x *Refusals) Add(application string, code refusal.Code, digest string) {
	if x.Counted != nil {
		x.Counted(application, code)
	}
	now := x.Now().UTC()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.open == nil {
		x.open = map[refused]*decision.DoorRefusal{}
	}
	key := refused{application, code}
	d := x.open[key]
	if d == nil {
		d = &decision.DoorRefusal{Application: application, Code: code, First: now}
		x.open[key] = d
	}
	d.Count++
	d.Last = now
	if digest != "" && len(d.Digests) < decision.MaxDigests && !slices.Contains(d.Digests, digest) {
		d.Digests = append(d.Digests, digest)
	}
}

// Run writes until ctx ends, and then what is left.
func (x *Refusals) Run(ctx context.Context) error {
	every := x.Every
	if every == 0 {
		every = RefusalsEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := x.Flush(ctx); err != nil {
				x.Log.Warn("refusals at the door were not written to the trail; trying again", zap.Error(err))
			}
		}
	}
}

// Flush writes what was noted since the last time. After an error it is noted still,
// and some of it may be written twice.
func (x *Refusals) Flush(ctx context.Context) error {
	x.mu.Lock()
	taken := x.open
	x.open = nil
	x.mu.Unlock()
	if len(taken) == 0 {
		return nil
	}
	var msgs []event.Message
	for _, d := range taken {
		m, err := trail.DoorRefusal(d)
		if err != nil {
			return err
		}
		msgs = append(msgs, m)
	}
	for part := range slices.Chunk(msgs, bus.MaxBatch) {
		if _, err := x.Bus.AppendUnguarded(ctx, part); err != nil {
			x.back(taken)
			return err
		}
	}
	return nil
}

// back puts together again what was not written and what came meanwhile.
func (x *Refusals) back(taken map[refused]*decision.DoorRefusal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, later := range x.open {
		before := taken[key]
		if before == nil {
			continue
		}
		later.Count += before.Count
		later.First = before.First
		later.Digests = slices.Compact(slices.Sorted(slices.Values(slices.Concat(before.Digests, later.Digests))))
		later.Digests = later.Digests[:min(len(later.Digests), decision.MaxDigests)]
	}
	merged := maps.Clone(taken)
	maps.Copy(merged, x.open)
	x.open = merged
}
