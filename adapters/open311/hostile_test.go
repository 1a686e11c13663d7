package open311_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
)

// Servers that heed no dates, or no offset, are found out and given up until the next
// look; what they gave was taken.
func TestServersThatHeedNothing(t *testing.T) {
	const list = `[{"service_request_id":"1","service_code":"x","status":"open","requested_datetime":"2026-01-01T00:00:00Z"},
		{"service_request_id":"2","service_code":"x","status":"open","requested_datetime":"2026-01-01T00:00:00Z"}]`
	for code, settings := range map[string]string{
		"answers-without-end": "details: {per-minute: 0, limit: 2}",
		"pages-alike":         "dialect: mark-a-spot\ndetails: {per-minute: 0, limit: 2}",
	} {
		t.Run(code, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(list))
			}))
			t.Cleanup(server.Close)
			c := newTown(t, open311sim.Settings{})
			c.url = server.URL
			in := adaptertest.NewIntake()
			text := string(c.settings("portal", settings, "since: 2160h", "lookback: 2160h", "sweep: 1h"))
			src := c.source(t, adaptertest.Settings(strings.Replace(text, "poll: 5ms", "poll: 1h", 1)))
			open311.SetMost(src, 100)
			open311.SetClock(src, func() time.Time { return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) })
			until(t, src, in, func() bool { return c.logs.FilterMessageSnippet("a round was not finished").Len() > 0 })
			if got := c.logs.FilterMessageSnippet("a round was not finished").All()[0].ContextMap()["code"]; got != code {
				t.Errorf("code %v", got)
			}
			if got := len(in.Events()); got != 2 {
				t.Errorf("%d events", got)
			}
		})
	}
}

// What the server cannot give of one report holds up no other.
func TestOneReportThatTheServerCannotGive(t *testing.T) {
	sim := open311sim.New(open311sim.Settings{Services: []open311sim.Service{{Code: "schlagloch", Name: "S", Type: "batch"}}})
	play := sim.Handler()
	var mu sync.Mutex
	bad := "" // the first token that is asked for
	broken := func(path string) bool {
		mu.Lock()
		defer mu.Unlock()
		if bad == "" {
			bad = path
		}
		return path == bad
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/tokens/") && broken(r.URL.Path) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		play.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := newTown(t, open311sim.Settings{})
	c.url = server.URL + open311sim.Base
	s := adaptertest.Settings(strings.Replace(string(c.settings("forward", anyRate)), "api-key-file: key\n", "", 1))
	sink := c.sink(t, s)
	for n := range 3 {
		if err := sink.Deliver(t.Context(), deliveryOf(n, forwardEvent(n, ""))); err != nil {
			t.Fatal(err)
		}
	}
	in := adaptertest.NewIntake()
	until(t, c.source(t, s), in, func() bool { return len(in.Events()) == 5 }) // three tokens, two ids
}

// Updates of the same second are each told once, however often they are seen.
func TestUpdatesOfOneSecond(t *testing.T) {
	c := newTown(t, open311sim.Settings{Dialect: "fixmystreet"})
	in := adaptertest.NewIntake()
	s := c.settings("portal", "details: {per-minute: 0, read-updates: true}", "dialect: fixmystreet")
	id := c.put(t, citizen)
	play(t, c.source(t, s), in, 1)
	at := time.Now().Truncate(time.Second)
	for n, status := range []string{"investigating", "in_progress", "planned"} {
		c.Tell(open311sim.Update{Request: id, Status: status, Description: fmt.Sprint(n), At: at})
	}
	play(t, c.source(t, s), in, 4)
	c.rounds(t, c.source(t, s), in, 20)
	if got := len(in.Events()); got != 4 {
		t.Errorf("%d events: %s", got, types(in.Events()))
	}
}

// A time far in the future, once told, hides nothing that comes after it was mended.
func TestTimeInTheFuture(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	in := adaptertest.NewIntake()
	s := c.settings("portal", anyRate, "sweep: 5ms")
	id := c.put(t, open311sim.Report{Service: "licht", Updated: time.Now().Add(1000 * time.Hour).Truncate(time.Second)})
	play(t, c.source(t, s), in, 1)
	c.put(t, open311sim.Report{ID: id, Status: "closed"})
	play(t, c.source(t, s), in, 2)
	c.put(t, open311sim.Report{ID: id, Status: "open", Updated: time.Now().Add(-time.Hour)}) // a copy that lags
	c.rounds(t, c.source(t, s), in, 6)
	if got := len(in.Events()); got != 2 {
		t.Errorf("%d events: %s", got, types(in.Events()))
	}
}
