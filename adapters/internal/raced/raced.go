// Package raced leaves out of a run with the race detector what that cannot tell.
package raced

import (
	"runtime/debug"
	"slices"
	"testing"
)

// Skip skips t under the race detector, saying why. "task check" runs such a test
// after that without it.
func Skip(t *testing.T, why string) {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip(why)
	}
}
