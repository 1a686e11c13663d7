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
	percent := tightPercent
	if memory >= roomy {
		percent = busyPercent
	}
	debug.SetGCPercent(percent)
	go giveBack(ctx)
}

const (
	roomy = 1 << 30
	// garbage beside what is in use, in percent
	busyPercent  = 150
	tightPercent = 40

	calmEvery = 2 * time.Second // how often it is looked whether there is work
	calmBytes = 8 << 20         // what the hub alone takes in that time
)

// giveBack returns memory to the system once whenever the hub has become calm.
func giveBack(ctx context.Context) {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	last, worked := uint64(0), true
	for {
		metrics.Read(allocated)
		now := allocated[0].Value.Uint64()
		calm := now-last < calmBytes
		if calm && worked {
			debug.FreeOSMemory()
			forgetProgram()
		}
		last, worked = now, !calm
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
