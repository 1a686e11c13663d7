package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

const (
	healthEvery = time.Second      // how often the hub looks whether its store takes writes
	usageEvery  = 10 * time.Second // how often it looks how full it is
	// roomToGoOn is how much of the disk must be free again before the hub goes on
	// after it was full: enough to do more than fill it at once.
	roomToGoOn = 64 << 20
)

// watch looks after the store. After a full disk it starts the embedded server
// anew as soon as there is room, since its streams take no writes until then.
// An error means that this failed: the hub ends, and its supervisor tries again.
func (a *App) watch(ctx context.Context) error {
	health, usage := time.NewTicker(healthEvery), time.NewTicker(usageEvery)
	defer health.Stop()
	defer usage.Stop()
	full, broken, tight := false, false, false // said already
	passed := levels{}
	stage := staging{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-usage.C:
			a.warn(ctx, passed)
		case <-health.C:
			if a.server == nil {
				continue
			}
			free := a.room()
			if now := free < roomToGoOn; now != tight {
				tight = now
				a.bus.Tight(tight)
				a.log.Warn("whether there is little room on the disk has changed", zap.Bool("little", tight), zap.Int64("free_bytes", free))
			}
			faults := append(a.server.Faults(), stage.faults(a.bus.Unstaged(), free)...)
			verdict := judge(faults, free)
			a.say(verdict, faults, &full, &broken)
			if verdict == startAnew {
				if err := a.server.Restart(); err != nil {
					return err
				}
				full = false
				a.log.Warn("there is room again: the embedded server was started anew")
			}
		}
	}
}

// staging follows what batches meet that the server cannot put together. Unlike a
// stream whose write failed, that leaves nothing to mend: the next one passes when
// there is room, so nothing is started anew for it.
type staging struct {
	count uint64 // of such batches
	stuck bool   // one has failed since there was room
}

// faults gives the fault of a full disk from the first batch that failed on it
// until there is room again. A batch that failed on a disk with room failed for
// another reason, which its lane tells.
func (s *staging) faults(count uint64, free int64) []bus.Fault {
	s.stuck = free < roomToGoOn && (s.stuck || count > s.count)
	s.count = count
	if !s.stuck {
		return nil
	}
	return []bus.Fault{{Reason: "a batch could not be staged", Full: true}}
}

// room is what is free on the disk, 0 when that cannot be told.
func (a *App) room() int64 {
	_, free, err := a.server.Room()
	if err != nil {
		a.log.Error("disk", zap.Error(err))
	}
	return free
}

// verdict on a store.
type verdict int

const (
	well      verdict = iota
	waitRoom          // the disk is full
	startAnew         // it was full and has room again
	failing           // it fails in another way: a person must look
)

// judge decides what is to be done about faults. A disk that fails otherwise
// than by being full is not written on again by itself: what it has kept is
// unknown after a failed sync.
func judge(faults []bus.Fault, free int64) verdict {
	if len(faults) == 0 {
		return well
	}
	for _, f := range faults {
		if !f.Full {
			return failing
		}
	}
	if free < roomToGoOn {
		return waitRoom
	}
	return startAnew
}

// say tells the log of a fault once, until it is over.
func (a *App) say(v verdict, faults []bus.Fault, full, broken *bool) {
	if v == well {
		if *full {
			a.log.Warn("there is room again: the hub goes on")
		}
		*full, *broken = false, false
		return
	}
	at := []zap.Field{zap.String("stream", faults[0].Stream), zap.String("reason", faults[0].Reason), zap.Int("faults", len(faults))}
	switch {
	case v == failing && !*broken:
		*broken = true
		a.log.Error("the store cannot be written: nothing is accepted any more, what was acknowledged is safe; check the disk, then restart the hub", at...)
	case v == waitRoom && !*full:
		*full = true
		a.log.Error("the disk is full: nothing is accepted until there is room again; the hub then goes on by itself",
			append(at, zap.Int64("needs_free_bytes", roomToGoOn))...)
	}
}

// warn tells the log when a store passes 80 or 90 per cent.
func (a *App) warn(ctx context.Context, passed levels) {
	ctx, cancel := context.WithTimeout(ctx, bus.Timeout)
	defer cancel()
	if a.server != nil {
		if total, free, err := a.server.Room(); err == nil {
			if l := passed.crossed("disk", total-free, total); l > 0 {
				a.log.Warn("the disk of the data directory fills up", zap.Int("percent", l), zap.Int64("free_bytes", free))
			}
		}
	}
	if a.boxes != nil {
		for _, u := range a.boxes.Usage() {
			if l := passed.crossed("mailbox "+u.Application, u.Used, u.Limit); l > 0 {
				a.log.Warn("a mailbox fills up", zap.String("application", u.Application), zap.Int("percent", l),
					zap.Int64("used_bytes", u.Used), zap.Int64("limit_bytes", u.Limit))
			}
		}
	}
	streams, err := a.bus.Usage(ctx)
	if err != nil {
		a.log.Debug("usage of the store", zap.Error(err))
		return
	}
	for _, u := range streams {
		l := passed.crossed(u.Stream, u.Used, u.Limit)
		if l == 0 {
			continue
		}
		at := []zap.Field{zap.String("stream", u.Stream), zap.Int("percent", l), zap.Int64("used_bytes", u.Used), zap.Int64("limit_bytes", u.Limit)}
		if u.Organisation == "" {
			a.log.Warn("a store of the hub fills up", at...)
		} else {
			a.log.Warn("an organisation's quota fills up", append(at, zap.String("organisation", u.Organisation))...)
		}
	}
}

// levels remembers which level each store has passed, in per cent.
type levels map[string]int

// crossed tells the level that a store has newly passed, 0 for none. A level
// counts as left once the store is 5 per cent below it, so that one that stands
// at a level is not told of again and again.
func (l levels) crossed(name string, used, limit int64) int {
	if limit <= 0 {
		return 0
	}
	percent := int(float64(used) / float64(limit) * 100)
	before := l[name]
	if before > 0 && percent < before-5 {
		before = 0
		if percent >= 80 {
			before = 80
		}
	}
	l[name] = before
	for _, level := range []int{90, 80} {
		if percent >= level && level > before {
			l[name] = level
			return level
		}
	}
	return 0
}
