package hubtest

import "testing"

// Less says that under the race detector, which makes everything some ten times
// slower, a test does less than without: a part of it that is skipped. "task check"
// runs such tests again without the detector.
func Less(t *testing.T, why string) {
	t.Helper()
	if Raced {
		t.Run("without the race detector", func(t *testing.T) { t.Skip(why) })
	}
}
