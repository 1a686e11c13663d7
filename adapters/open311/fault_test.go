package open311_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
)

// Whatever a server answers instead of a list, the source waits, says so without a word
// of it, and reads on when the server is well.
func TestServerFaults(t *testing.T) {
	for _, art := range []string{"429", "503", "500", "html", "kaputt", "riesig", "umleitung", "frist"} {
		t.Run(art, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{})
			c.put(t, citizen)
			times := 2
			if art == "429" || art == "503" { // each asks to wait a second
				times = 1
			}
			c.order(t, open311sim.Fault{Art: art, Mal: times})
			in := adaptertest.NewIntake()
			src := c.source(t, c.settings("portal", anyRate, "timeout: 400ms", "max-bytes: 65536"))
			play(t, src, in, 1)
			logs := c.logs.FilterMessageSnippet("a round was not finished").All()
			if len(logs) == 0 {
				t.Error("the log says nothing")
			}
			for _, l := range logs {
				shows(t, fmt.Sprint(l.Message, l.ContextMap()), append(secrets, c.url, "geheim", "Wartung")...)
			}
		})
	}
}

// One entry that nobody can read spoils no other of its list.
func TestBadEntries(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	for n, bad := range []open311sim.Report{{ID: "../../etc", Service: "licht"}, {ID: "b", Service: "?!"}, {ID: "c", Service: "licht", Status: "?"}} {
		c.put(t, bad)
		c.put(t, open311sim.Report{ID: fmt.Sprint("gut", n), Service: "licht"})
	}
	in := adaptertest.NewIntake()
	src := c.source(t, c.settings("portal", anyRate))
	play(t, src, in, 3)
	c.rounds(t, src, in, 6)
	reports, err := c.reports()
	if err != nil || len(reports) != 3 {
		t.Error(reports, err)
	}
}

// Personal data is nowhere but behind the reference: not in events, not in what the
// adapter remembers, not on disk, not in its log.
func TestNothingPersonal(t *testing.T) {
	c := newTown(t, open311sim.Settings{Contact: true})
	inner := adaptertest.NewIntake()
	in := &watched{Intake: inner, state: &remembered{State: inner.State()}}
	s := c.settings("portal", anyRate, "sweep: 5ms")
	id := c.put(t, citizen)
	r := citizen
	r.ID, r.Service = "Zaunkoenig/2", "licht" // set aside
	c.put(t, r)
	play(t, c.source(t, s), inner, 1)
	until(t, c.source(t, s), in, func() bool { return len(inner.Events()) > 0 })
	c.put(t, open311sim.Report{ID: id, Notes: "Frau Zaunkoenig angerufen, 0171 2345678, ottilie@zaunkoenig.example", Updated: later(1)})
	until(t, c.source(t, s), in, func() bool { return len(inner.Events()) == 2 })
	c.put(t, open311sim.Report{ID: id, Status: "closed", Updated: later(2)})
	until(t, c.source(t, s), in, func() bool { return len(inner.Events()) == 3 })

	var all strings.Builder
	for _, e := range inner.Events() {
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	for _, l := range c.logs.All() {
		fmt.Fprint(&all, l.Message, l.ContextMap())
	}
	all.WriteString(strings.Join(in.state.seen, "\n"))
	if len(in.state.seen) == 0 {
		t.Fatal("nothing was remembered")
	}
	all.WriteString(c.disk(t))
	shows(t, all.String(), secrets...)
	shows(t, all.String(), "geheim")
}

// What is forwarded leaves nothing of its words on disk or in the log either.
func TestNothingOfAForwardedReport(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	s := c.settings("forward", anyRate)
	e := forwardEvent(1, `{"meldung":{"id":"1","kategorie":"schlagloch"},"beschreibung":"Gartentor von Ottilie Zaunkoenig","ort":{"breite":48.13743,"laenge":11.57549,"angabe":"Nussbaumweg 12"}}`)
	c.order(t, open311sim.Fault{Art: "500", Bei: "POST"})
	if err := c.sink(t, s).Deliver(t.Context(), deliveryOf(1, e)); err == nil {
		t.Fatal("taken")
	} else {
		shows(t, err.Error(), secrets...)
	}
	if err := c.sink(t, c.settings("forward", anyRate, "visible-after: 0s")).Deliver(t.Context(), deliveryOf(1, e)); err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	raw, err := json.Marshal(play(t, c.source(t, s), in, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	all := string(raw) + c.disk(t)
	for _, l := range c.logs.All() {
		all += fmt.Sprint(l.Message, l.ContextMap())
	}
	shows(t, all, secrets...)
}

// disk is all that the adapter has written.
func (c *town) disk(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Join(c.dir, "o"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all.WriteString(path + string(raw))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// A refused event is set aside, and the report goes on.
func TestRefusedByTheHub(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	in := adaptertest.NewIntake()
	in.Follow(func(_ context.Context, _ int, e hub.Event, store func() error) error {
		if e.Type() == open311.TypeReceived {
			return hub.Permanent("source-not-owned", "publish: no")
		}
		return store()
	})
	id := c.put(t, citizen)
	src := c.source(t, c.settings("portal", anyRate, "sweep: 5ms"))
	c.rounds(t, src, in, 4)
	c.put(t, open311sim.Report{ID: id, Status: "closed", Updated: later(1)})
	play(t, src, in, 1)
	reports, err := c.reports()
	if err != nil || len(reports) != 1 || !strings.HasPrefix(reports[0], "source-not-owned") {
		t.Error(reports, err)
	}
}
