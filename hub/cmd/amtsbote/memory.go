package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// The least memory that a hub can be told to get by with, and what it takes at
// most unless it is told otherwise.
const (
	leastMemory = 64 << 20
	usualMemory = 4 << 30
)

// limitMemory has the program get by with so much memory (512MiB); "" is what
// GOMEMLIMIT says, and without it half of what there is. The limit is the garbage
// collector's: it is what the program aims at. It returns the limit in bytes.
func limitMemory(flag string) (int64, error) {
	if flag != "" {
		n, ok := strictyaml.ParseSize(flag)
		if !ok || n < leastMemory {
			return 0, fmt.Errorf("--memory %q: give a size of at least %d MiB, like 512MiB", flag, leastMemory>>20)
		}
		debug.SetMemoryLimit(n)
		return n, nil
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(leastMemory, min(available()/2, usualMemory)))
	}
	return debug.SetMemoryLimit(-1), nil
}

// collectLess has the garbage collector run less often while there is work, which
// saves a good part of the hub's CPU time, and give memory back when there is none.
// GOGC counts when it is set. With little memory it is collected sooner than usual:
// what is garbage then is what is missing.
func collectLess(ctx context.Context, memory int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(garbage(memory, 0, false))
	go giveBack(ctx, memory)
}

const (
	roomy = 1 << 30
	// garbage beside what is in use, in percent
	busiestPercent = 300
	busyPercent    = 150
	tightPercent   = 40

	calmEvery = 2 * time.Second // how often it is looked whether there is work
	calmBytes = 8 << 20         // what the hub alone takes in that time
)

// garbage is how much of it there may be beside what is in use, in percent. While there is
// work, a small hub on a large machine leaves more of it: up to a thirty-second of its memory.
func garbage(memory, inUse int64, calm bool) int {
	switch {
	case memory < roomy:
		return tightPercent
	case calm:
		return busyPercent
	}
	percent := memory / 32 / max(inUse/100, 1) / 50 * 50 // in steps: setting it stops the world for a moment
	return int(min(max(percent, busyPercent), busiestPercent))
}

// giveBack returns memory to the system once whenever the hub has become calm, and sets how
// much garbage there may be.
func giveBack(ctx context.Context, memory int64) {
	seen := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	last, worked, percent := uint64(0), true, 0
	for {
		metrics.Read(seen)
		now := seen[0].Value.Uint64()
		calm := now-last < calmBytes
		if calm && worked {
			debug.FreeOSMemory()
			forgetProgram()
		}
		last, worked = now, !calm
		if p := garbage(memory, int64(seen[1].Value.Uint64()), calm); p != percent { //nolint:gosec // no heap is so large
			debug.SetGCPercent(p)
			percent = p
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// available is the memory of the machine, or of the control group (cgroup v2) when
// that has less.
func available() int64 {
	n := int64(usualMemory)
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		n = int64(info.Totalram) * int64(info.Unit) //nolint:gosec // no machine has so much
	}
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	var group int64
	if _, scanErr := fmt.Sscan(strings.TrimSpace(string(text)), &group); err == nil && scanErr == nil && group > 0 {
		n = min(n, group)
	}
	return n
}
