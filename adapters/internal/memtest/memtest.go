// Package memtest is for tests that measure the memory of an adapter in a process of
// its own.
package memtest

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/raced"
)

const status = "/proc/self/status"

// Measurable skips t where Peak cannot be told, or says nothing.
func Measurable(t *testing.T) {
	t.Helper()
	raced.Skip(t, "the race detector's memory is not the adapter's")
	if _, err := os.Stat(status); err != nil {
		interop.Missing(t, status)
	}
}

// Peak is the largest resident set of this process so far (VmHWM), bytes.
func Peak() (int64, error) {
	f, err := os.Open(status)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), "VmHWM:"); found {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmHWM")
}
