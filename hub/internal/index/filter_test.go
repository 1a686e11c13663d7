package index

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// TestFilterIsMadeSeldom: what lies in the database's memory counts too when a larger
// filter is made, else it is too small again at once.
func TestFilterIsMadeSeldom(t *testing.T) {
	raced.Less(t, "a minute of it")
	n := 3 * minFilter / 2
	if raced.On {
		n = minFilter / 8
	}
	core, logs := observer.New(zap.DebugLevel)
	x := open(t, t.TempDir(), Options{Log: zap.New(core)})
	fill(x, 1, n)
	closed(t, x)
	if made := logs.FilterMessageSnippet("filter made").Len(); made > 2 {
		t.Errorf("made anew %d times for %d identities", made, n)
	}
}
