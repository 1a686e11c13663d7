package main

import (
	"context"
	"os"
	"runtime"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// How long after its start the hub keeps all processors, while it learns how long its writes take
// (ADR 13); how often it is looked then how much of one it uses; up to which share of it one is
// enough, and for how many looks in a row until there is only one; and from which share on one is
// too few at once.
const (
	startFor    = 5 * time.Second
	lookEvery   = 100 * time.Millisecond
	enoughShare = 0.35
	enoughLooks = 5
	tooFewShare = 0.45
)

// spareProcessors has Go's runtime work with one processor while the hub has little to do, and
// with all otherwise, until ctx ends (ADR 23). With several, whatever one goroutine hands to
// another wakes a thread that mostly finds nothing to do. GOMAXPROCS in the environment counts
// instead; it tells whether it looks after that at all.
func spareProcessors(ctx context.Context, log *zap.Logger) bool {
	if _, cpu := cpuTime(); os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) == 1 || cpu == 0 {
		return false
	}
	log.Debug("Go's runtime uses as many processors as there is work for")
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(startFor):
		}
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		spare(ctx, tick.C, cpuTime, func(one bool) {
			useOne(one)
			log.Debug("Go's runtime uses another number of processors", zap.Int("processors", runtime.GOMAXPROCS(0)))
		})
	}()
	return true
}

// useOne has the runtime use one processor, or all that the process may use.
func useOne(one bool) {
	if one {
		runtime.GOMAXPROCS(1)
		return
	}
	runtime.SetDefaultGOMAXPROCS()
}

// spare looks at each tick what the process has used, and until when. It says whether to use one
// whenever that changes, and at the end to use all.
func spare(ctx context.Context, ticks <-chan time.Time, used func() (at time.Time, cpu time.Duration), use func(one bool)) {
	var p processors
	at, before := used()
	for {
		select {
		case <-ctx.Done():
			if p.one {
				use(false)
			}
			return
		case <-ticks:
		}
		now, cpu := used()
		was := p.one
		if p.look(float64(cpu-before) / float64(now.Sub(at))); p.one != was {
			use(p.one)
		}
		at, before = now, cpu
	}
}

// processors knows whether one is enough.
type processors struct {
	one    bool
	enough int // looks in a row at which one would have been
}

// look takes in which share of one processor was used since the look before.
func (p *processors) look(share float64) {
	switch {
	case share > tooFewShare:
		p.one, p.enough = false, 0
	case p.one:
	case share > enoughShare:
		p.enough = 0
	default:
		p.enough++
		p.one = p.enough >= enoughLooks
	}
}

// cpuTime is what the process has used up to now; 0 where it is not known.
func cpuTime() (time.Time, time.Duration) {
	now := time.Now()
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return now, 0
	}
	return now, time.Duration(unix.TimevalToNsec(r.Utime) + unix.TimevalToNsec(r.Stime))
}
