package open311_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
)

// before puts a handler before a server; it answers when the handler gives false.
func (c *town) before(t *testing.T, h func(w http.ResponseWriter, r *http.Request) bool) {
	t.Helper()
	play := c.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h(w, r) {
			play.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL + open311sim.Base
}

func isCode(t *testing.T, err error, code string, permanent bool) {
	t.Helper()
	if f := hub.FaultOf(err); err == nil || f.Code != code || f.Permanent != permanent {
		t.Fatalf("%v, want %s (permanent: %v)", err, code, permanent)
	}
}

// A server that never shows what it took gets a report twice at most, whatever it answers.
func TestUnknownOutcomesInARow(t *testing.T) {
	c := newTown(t, open311sim.Settings{Moderated: true})
	d, s := deliveryOf(1, forwardEvent(1, "")), c.settings("forward", anyRate, "visible-after: 0s")
	for _, art := range []string{"getan-umleitung", "getan-html"} {
		c.order(t, open311sim.Fault{Art: art, Bei: "POST"})
		isCode(t, c.sink(t, s).Deliver(t.Context(), d), "answer-unreadable", false)
	}
	for range 3 {
		isCode(t, c.sink(t, s).Deliver(t.Context(), d), "outcome-unknown", true)
	}
	if got := len(c.Posts()); got != 2 {
		t.Errorf("filed %d times", got)
	}
}

// A server that takes a report and gives no id gets it once.
func TestTakenWithoutID(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	var posts atomic.Int32
	c.before(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		posts.Add(1)
		w.WriteHeader(http.StatusAccepted)
		_, err := w.Write([]byte(`[{"service_notice":"Danke"}]`))
		return err == nil
	})
	d, s := deliveryOf(1, forwardEvent(1, "")), c.settings("forward", anyRate, "visible-after: 0s")
	isCode(t, c.sink(t, s).Deliver(t.Context(), d), "answer-without-id", false)
	isCode(t, c.sink(t, s).Deliver(t.Context(), d), "outcome-unknown", true)
	if got := posts.Load(); got != 1 {
		t.Errorf("sent %d times", got)
	}
}

// That an attempt did not arrive says nothing of the one before it.
func TestEarlierAttemptIsKept(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	d, s := deliveryOf(1, forwardEvent(1, "")), c.settings("forward", anyRate, "visible-after: 0s")
	c.lay(t, d, "sending", time.Now())
	c.order(t, open311sim.Fault{Art: "429", Bei: "POST"})
	isCode(t, c.sink(t, s).Deliver(t.Context(), d), "rate-limited", false)
	if _, err := os.Stat(filepath.Join(c.dir, "o", "forwarded", open311.RecordOf(d)+".json")); err != nil {
		t.Error("the record of the first attempt is gone", err)
	}
	if err := c.sink(t, s).Deliver(t.Context(), d); err != nil {
		t.Error(err)
	}
}

// Only GeoReport's own errors are a refusal; a page in their place, or no services at all,
// is not.
func TestForeignPages(t *testing.T) {
	for name, r := range map[string]struct {
		status    int
		body, on  string
		code      string
		permanent bool
	}{
		"a proxy":          {http.StatusBadRequest, "<html>Bad Request</html>", "POST", "server-error", false},
		"a firewall":       {http.StatusNotAcceptable, `[{"code":406}]`, "POST", "server-error", false},
		"the server":       {http.StatusUnprocessableEntity, `{"errors":[{"code":422,"description":"x"}]}`, "POST", "refused", true},
		"the other format": {http.StatusBadRequest, `<errors><error><code>400</code></error></errors>`, "POST", "refused", true},
		"no services":      {http.StatusOK, `[]`, "GET", "answer-unreadable", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{})
			c.before(t, func(w http.ResponseWriter, q *http.Request) bool {
				if q.Method != r.on {
					return false
				}
				w.WriteHeader(r.status)
				_, err := w.Write([]byte(r.body))
				return err == nil
			})
			s := c.settings("forward", anyRate)
			isCode(t, c.sink(t, s).Deliver(t.Context(), deliveryOf(1, forwardEvent(1, ""))), r.code, r.permanent)
		})
	}
}

// A question for many that the server refuses, for one id that is gone, holds up no other;
// and only what was asked for alone is gone.
func TestOneOfManyIsGone(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusBadRequest, http.StatusRequestURITooLong, http.StatusOK} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			c := newTown(t, open311sim.Settings{})
			c.before(t, func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Query().Get("ids"), ",") {
					return false
				}
				w.WriteHeader(status)
				_, err := w.Write([]byte("[]"))
				return err == nil
			})
			s, in := c.settings("forward", "details: {per-minute: 0, ids-parameter: ids}"), adaptertest.NewIntake()
			for n := range 3 {
				if err := c.sink(t, s).Deliver(t.Context(), deliveryOf(n, forwardEvent(n, ""))); err != nil {
					t.Fatal(err)
				}
			}
			c.Remove("600001")
			c.put(t, open311sim.Report{ID: "600002", Status: "closed", Updated: later(1)})
			c.put(t, open311sim.Report{ID: "600003", Agency: "Bau", Updated: later(1)})
			play(t, c.source(t, s), in, 5)
			c.rounds(t, c.source(t, s), in, 8)
			if got := c.logs.FilterMessageSnippet("does not show a forwarded report").Len(); got != 1 {
				t.Errorf("%d are called gone", got)
			}
		})
	}
}
