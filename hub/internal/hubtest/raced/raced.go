// Package raced tells tests of the race detector, which makes everything some ten
// times slower. It imports nothing of the hub, so that every package can use it.
package raced

import "testing"

// Alone leaves a test out under the race detector that has one goroutine, so that
// there is nothing to find. "task check" runs it after that without the detector.
func Alone(t *testing.T) {
	t.Helper()
	if On {
		t.Skip("one goroutine: the race detector finds nothing")
	}
}

// Less says that under the race detector a test does less than without: a part of
// it that is skipped. "task check" runs such tests again without the detector.
func Less(t *testing.T, why string) {
	t.Helper()
	if On {
		t.Run("without the race detector", func(t *testing.T) { t.Skip(why) })
	}
}

// Rounds is how often a test repeats what it does, of all times: a fourth under the
// race detector, which "task check" makes up for by a run without it.
func Rounds(t *testing.T, all int) int {
	t.Helper()
	if !On {
		return all
	}
	Less(t, "fewer rounds")
	return (all + 3) / 4
}
