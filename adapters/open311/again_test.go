package open311_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
)

// A report that is closed a second time is told a second time, even when the server gives
// no new time; a new text on a closed one is no end.
func TestClosedAgain(t *testing.T) {
	const want = "meldung-geloest meldung-stand-geaendert meldung-geloest meldung-stand-geaendert"
	for mode, first := range map[string]string{"portal": "meldung-eingegangen", "forward": "weiterleitung-bestaetigt"} {
		t.Run(mode, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{})
			s, in, id := c.settings(mode, anyRate, "sweep: 5ms"), adaptertest.NewIntake(), "600001"
			if mode == "portal" {
				id = c.put(t, citizen)
			} else if err := c.sink(t, s).Deliver(t.Context(), deliveryOf(1, forwardEvent(1, ""))); err != nil {
				t.Fatal(err)
			}
			src, at := c.source(t, s), later(1)
			play(t, src, in, 1)
			for n, r := range []open311sim.Report{{Status: "closed"}, {Status: "open"}, {Status: "closed"}, {Notes: "Danke."}} {
				r.ID, r.Updated = id, at
				c.put(t, r)
				play(t, src, in, n+2)
			}
			c.rounds(t, c.source(t, s), in, 6)
			if got := types(in.Events()); got != first+" "+want {
				t.Error(got)
			}
		})
	}
}

// Updates are steps: they are told by their times, however the server sorts them.
func TestUpdatesOutOfOrder(t *testing.T) {
	c := newTown(t, open311sim.Settings{Dialect: "fixmystreet"})
	in := adaptertest.NewIntake()
	s := c.settings("portal", "details: {per-minute: 0, read-updates: true}", "dialect: fixmystreet")
	id, other := c.put(t, citizen), c.put(t, citizen)
	play(t, c.source(t, s), in, 2)
	at := time.Now().Truncate(time.Second)
	c.Tell(open311sim.Update{Request: id, Status: "fixed", Description: "2", At: at.Add(2 * time.Second)})
	c.Tell(open311sim.Update{Request: id, Status: "investigating", Description: "1", At: at.Add(time.Second)})
	c.put(t, open311sim.Report{ID: id, Status: "fixed", Updated: at.Add(2 * time.Second)})
	c.put(t, open311sim.Report{ID: other, Status: "fixed", Updated: at.Add(time.Second)}) // of which no update tells
	events := play(t, c.source(t, s), in, 5)
	got := map[string]string{}
	for _, e := range events {
		got[e.Subject()] += strings.TrimPrefix(e.Type(), "de.maengel.meldung-") + " "
	}
	if got[open311.CaseOf(portalSource, id)] != "eingegangen.v1 stand-geaendert.v1 geloest.v1 " ||
		got[open311.CaseOf(portalSource, other)] != "eingegangen.v1 geloest.v1 " {
		t.Error(got)
	}
}

// FixMyStreet as it is: no updates to read, each list below a name, and an agency that is
// an object.
func TestFixMyStreetWithoutUpdates(t *testing.T) {
	c := newTown(t, open311sim.Settings{Dialect: "fixmystreet"})
	in := adaptertest.NewIntake()
	s := c.settings("portal", anyRate, "dialect: fixmystreet", "sweep: 5ms")
	id := c.put(t, citizen)
	play(t, c.source(t, s), in, 1)
	c.put(t, open311sim.Report{ID: id, Status: "closed", Agency: "Tiefbau", Updated: later(1)})
	if d := dataOf(t, play(t, c.source(t, s), in, 3)[1]); d["stelle"].(map[string]any)["name"] != "Tiefbau" { //nolint:errcheck // its schema says so
		t.Error(d)
	}
	for _, asked := range c.Asked() {
		if strings.Contains(asked, "servicerequestupdates") {
			t.Fatal(asked)
		}
	}
}

// A list of another shape, and one that a server answers by 404 when it is empty.
func TestListsOfOthers(t *testing.T) {
	for name, r := range map[string]struct {
		status         int
		body, settings string
		fault          string
	}{
		"no ids":          {http.StatusOK, `[{"id":1},{"id":2}]`, anyRate, "answer-unreadable"},
		"404":             {http.StatusNotFound, `x`, anyRate, "not-found"},
		"404, and empty":  {http.StatusNotFound, `x`, "details: {per-minute: 0, empty-is-404: true}", ""},
		"empty as it can": {http.StatusOK, `[]`, anyRate, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{})
			c.before(t, func(w http.ResponseWriter, _ *http.Request) bool {
				c.Tell(open311sim.Update{}) // a call that is counted
				w.WriteHeader(r.status)
				_, err := w.Write([]byte(r.body))
				return err == nil
			})
			src := c.source(t, c.settings("portal", r.settings))
			until(t, src, adaptertest.NewIntake(), func() bool { return len(c.Updates()) > 4 })
			logs := c.logs.FilterMessageSnippet("a round was not finished").All()
			if (len(logs) > 0) != (r.fault != "") || len(logs) > 0 && logs[0].ContextMap()["code"] != r.fault {
				t.Error(logs)
			}
		})
	}
}

// An entry of the memory that is damaged stops that report alone.
func TestDamagedMemory(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	in, s := adaptertest.NewIntake(), c.settings("portal", anyRate, "sweep: 5ms")
	for n := range 3 {
		c.put(t, open311sim.Report{ID: fmt.Sprint(n), Service: "licht"})
	}
	play(t, c.source(t, s), in, 3)
	for _, key := range []string{open311.KeyOf("1"), "cursor", "begin", "baseline"} {
		if err := in.State().Put(t.Context(), key, []byte("{")); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		c.put(t, open311sim.Report{ID: fmt.Sprint(n), Status: "closed", Updated: later(1)})
	}
	play(t, c.source(t, s), in, 5)
	reports, err := c.reports()
	if err != nil || len(reports) != 1 || !strings.HasPrefix(reports[0], "memory-damaged") {
		t.Error(reports, err)
	}
}

// Where there is no room to set aside, the log says so, and what flows flows.
func TestNoRoomAside(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	for n := range 3 {
		c.put(t, open311sim.Report{ID: fmt.Sprintf("Zaunkoenig/%d", n), Service: "licht"})
	}
	c.put(t, open311sim.Report{ID: "gut", Service: "licht"})
	src := c.source(t, c.settings("portal", anyRate))
	open311.SetMostAside(src, 2)
	in := adaptertest.NewIntake()
	play(t, src, in, 1)
	c.rounds(t, src, in, 4)
	reports, err := c.reports()
	if err != nil || len(reports) != 2 || c.logs.FilterMessageSnippet("set aside is full").Len() == 0 {
		t.Error(reports, err)
	}
}

// Marks of what was written, and records of what was never filed, go after their time,
// whichever half runs.
func TestOldMarks(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	old := time.Now().Add(-61 * 24 * time.Hour)
	mark := filepath.Join(c.dir, "o", "written", "alt")
	if err := os.MkdirAll(filepath.Dir(mark), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(mark, old, old); err != nil {
		t.Fatal(err)
	}
	c.put(t, open311sim.Report{ID: "1", Service: "licht", Status: "closed"})
	solved := forwardEvent(1, `{"meldung":{"id":"1","kategorie":"licht"},"geloest":"2026-10-06T08:00:00Z"}`)
	solved.SetType(open311.TypeSolved)
	if err := c.sink(t, c.settings("portal", "details: {per-minute: 0, write: post}")).Deliver(t.Context(), deliveryOf(1, solved)); err != nil {
		t.Fatal(err)
	}
	d := deliveryOf(2, forwardEvent(2, ""))
	c.lay(t, d, "sending", old)
	record := filepath.Join(c.dir, "o", "forwarded", open311.RecordOf(d)+".json")
	until(t, c.source(t, c.settings("forward", anyRate)), adaptertest.NewIntake(), func() bool {
		_, err := os.Stat(record)
		return os.IsNotExist(err)
	})
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Error("the mark is still there", err)
	}
}
