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
