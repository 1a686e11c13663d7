package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

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
