package fence_test

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/fence"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestTooMany: what no batch can hold is refused, and not tried for ever.
func TestTooMany(t *testing.T) {
	t.Parallel()
	w := fence.New(hubtest.Bus(t), bus.Trail, "TEST")
	msgs := make([]event.Message, bus.MaxBatch)
	for i := range msgs {
		msgs[i].Subject = "trail.act.test.all.all"
	}
	if _, err := w.Write(t.Context(), msgs, decision.Cursor{}); err == nil {
		t.Error("a batch with more than the server takes is stored")
	}
	if first, err := w.Write(t.Context(), msgs[1:], decision.Cursor{}); err != nil || first != 2 {
		t.Errorf("as many as it takes: %d, %v", first, err)
	}
}
