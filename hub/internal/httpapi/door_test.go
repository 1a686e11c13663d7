package httpapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// TestRoomUntilStored: a request counts into what its organisation has in memory until
// all is done with it, and no longer.
func TestRoomUntilStored(t *testing.T) {
	d, p := fuzzDoor(t)
	d.Limits = &Limits{Now: d.Now}
	if problem := d.Limits.Admit(p); problem != nil {
		t.Fatal(problem)
	}
	free := func() bool {
		room := d.Limits.rooms[p.Organisation()]
		all := room.TryAcquire(roomBytes)
		if all {
			room.Release(roomBytes)
		}
		return all
	}
	body := fmt.Sprintf(`{"specversion":"1.0","id":"1","source":%q,"type":%q,"data":{"n":1}}`, hubtest.Source, hubtest.Ding)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/events", strings.NewReader(body))
	r.Header.Set("Content-Type", typeEvent)
	stored := false
	_, problem := d.read(httptest.NewRecorder(), r, p, func(r *refusal.Refusal, _ []byte) { t.Error(r) }, func(req *request) *Problem {
		stored = true
		if len(req.events) != 1 || free() {
			t.Errorf("%d events, and all room free while they are stored", len(req.events))
		}
		return nil
	})
	if problem != nil || !stored || !free() {
		t.Errorf("stored %v, problem %v, free %v", stored, problem, free())
	}
}
