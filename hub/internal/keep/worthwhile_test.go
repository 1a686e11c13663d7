package keep

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

// TestWorthwhile: old cursors go when they are a tenth of what a stream holds, or that is
// half full.
func TestWorthwhile(t *testing.T) {
	for _, c := range []struct {
		cursors map[string]uint64
		is      bus.State
		want    bool
	}{
		{map[string]uint64{"a": 1, "b": 1}, bus.State{Messages: 2, Limit: 100}, false},
		{map[string]uint64{"a": 2, "b": 1}, bus.State{Messages: 3, Limit: 100}, true},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 91, Limit: 100}, false},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 90, Limit: 100}, true},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 9000, Bytes: 51, Limit: 100}, true},
		{map[string]uint64{"a": 6, "b": 5}, bus.State{Messages: 9000, Bytes: 51}, false},
		{map[string]uint64{"a": 0}, bus.State{Messages: 1}, false},
	} {
		if got := worthwhile(c.cursors, c.is); got != c.want {
			t.Errorf("%v in %+v: %v", c.cursors, c.is, got)
		}
	}
}
