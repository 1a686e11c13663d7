package open311_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
)

// A report from its coming to its end, in JSON and XML: the data hold no word of what
// was written, and what is stored holds all of it.
func TestLifeOfAReport(t *testing.T) {
	for _, format := range []string{"json", "xml"} {
		t.Run(format, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{Contact: true})
			in := adaptertest.NewIntake()
			src := c.source(t, c.settings("portal", anyRate, "format: "+format, "sweep: 5ms", "ags: \"09162000\""))
			start := time.Now().Add(-time.Hour).Truncate(time.Second)
			r := citizen
			r.ID, r.Requested = "47-2026", start
			c.put(t, r)
			play(t, src, in, 1)
			c.put(t, open311sim.Report{ID: "47-2026", Agency: "Baureferat Süd", Updated: start.Add(time.Minute)})
			play(t, src, in, 2)
			c.put(t, open311sim.Report{ID: "47-2026", Notes: "Termin steht am 05.10.2026.", Updated: start.Add(2 * time.Minute)})
			play(t, src, in, 3)
			c.put(t, open311sim.Report{ID: "47-2026", Status: "closed", Notes: "Repariert.", Updated: start.Add(3 * time.Minute)})
			play(t, src, in, 4)
			c.put(t, open311sim.Report{ID: "47-2026", Status: "open", Description: "Noch ein Loch am Gartentor", Updated: start.Add(4 * time.Minute)})
			events := play(t, src, in, 5)
			if got := types(events); got != "meldung-eingegangen meldung-zugewiesen meldung-stand-geaendert meldung-geloest meldung-stand-geaendert" {
				t.Fatal(got)
			}
			checkLife(t, in, events, start)
		})
	}
}

func checkLife(t *testing.T, in *adaptertest.Intake, events []hub.Event, start time.Time) {
	t.Helper()
	data := make([]map[string]any, 0, len(events))
	for _, e := range events {
		data = append(data, dataOf(t, e))
		if e.Subject() != open311.CaseOf(portalSource, "47-2026") || e.Extensions()["correlationid"] != e.Subject() || e.Extensions()["ags"] != "09162000" {
			t.Errorf("%s: subject %s, extensions %v", e.Type(), e.Subject(), e.Extensions())
		}
	}
	first := data[0]
	if d := cmp.Diff([]any{"beschreibung", "position", "foto", "kontakt"}, first["enthaelt"]); d != "" {
		t.Error(d)
	}
	if events[0].Extensions()["dataref"] != refOf(first) {
		t.Error("dataref is not the reference of the content")
	}
	stored := blob(t, in, refOf(first))
	for _, want := range []string{"Gartentor", "48.13743", "Nussbaumweg", "ottilie@zaunkoenig.example", "0171 2345678", "zaunkoenig.jpg"} {
		if !strings.Contains(stored, want) {
			t.Errorf("what is stored lacks %q", want)
		}
	}
	meldung := map[string]any{"id": "47-2026", "kategorie": "schlagloch", "kategorieName": "Schlagloch", "eingegangen": start.Format(time.RFC3339)}
	if data[1]["stelle"].(map[string]any)["schluessel"] != "baureferat-sued" { //nolint:errcheck // its schema says so
		t.Error(data[1])
	}
	if d := cmp.Diff(map[string]any{
		"meldung": meldung, "geloest": start.Add(3 * time.Minute).Format(time.RFC3339), "hinweis": "Repariert.",
	}, data[3]); d != "" {
		t.Error(d)
	}
	if last := data[4]; last["wiederGeoeffnet"] != true || !strings.Contains(blob(t, in, refOf(last)), "Noch ein Loch") {
		t.Error(last)
	}
}

func refOf(data map[string]any) string {
	inhalt, _ := data["inhalt"].(map[string]any)
	ref, _ := inhalt["ref"].(string)
	return ref
}

// The dialects as facts/city.md 5 has them: what a refusal is called, how changes are
// asked for.
func TestDialects(t *testing.T) {
	for dialect, c := range map[string]struct {
		detail, status, settings, grund, asks string
	}{
		"georeport":   {"", "closed", "", "", "start_date"},
		"mark-a-spot": {"Nicht lösbar", "closed", "rejected: {Nicht lösbar: nicht-zustaendig}", "nicht-zustaendig", "updated"},
		"klarschiff":  {"REJECTED", "closed", "", "sonstiger", "updated_after"},
	} {
		t.Run(dialect, func(t *testing.T) {
			town := newTown(t, open311sim.Settings{Dialect: dialect, Limit: 100})
			in := adaptertest.NewIntake()
			details := "details: {per-minute: 0"
			if c.settings != "" {
				details += ", " + c.settings
			}
			src := town.source(t, town.settings("portal", details+"}", "dialect: "+dialect, "sweep: 1h"))
			id := town.put(t, citizen)
			play(t, src, in, 1)
			town.put(t, open311sim.Report{ID: id, Status: c.status, Detail: c.detail, Updated: time.Now().Add(time.Second)})
			e := play(t, src, in, 2)[1]
			d := dataOf(t, e)
			if grund, _ := d["grund"].(string); grund != c.grund {
				t.Errorf("%s: %v", e.Type(), d)
			}
		})
	}
}

// FixMyStreet tells changes apart from requests; what somebody wrote in one is in no
// event.
func TestFixMyStreet(t *testing.T) {
	c := newTown(t, open311sim.Settings{Dialect: "fixmystreet"})
	in := adaptertest.NewIntake()
	s := c.settings("portal", "details: {per-minute: 0, read-updates: true}", "dialect: fixmystreet", "sweep: 5ms")
	id := c.put(t, citizen)
	play(t, c.source(t, s), in, 1)
	at := time.Now().Truncate(time.Second)
	c.Tell(open311sim.Update{Request: id, Status: "investigating", Description: "Ottilie Zaunkoenig fragt nach", At: at})
	play(t, c.source(t, s), in, 2)
	c.Tell(open311sim.Update{Request: id, Status: "not_councils_responsibility", At: at.Add(time.Second)})
	events := play(t, c.source(t, s), in, 3)
	c.rounds(t, c.source(t, s), in, 20) // nothing is told twice
	if got := types(in.Events()); got != "meldung-eingegangen meldung-stand-geaendert meldung-nicht-loesbar" {
		t.Fatal(got)
	}
	if d := dataOf(t, events[2]); d["grund"] != "nicht-zustaendig" {
		t.Error(d)
	}
	dataOf(t, events[1])
}

// The first look at a portal that has a past tells only of what is new; what comes to
// light later is told however old it is.
func TestPast(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	in := adaptertest.NewIntake()
	s := c.settings("portal", anyRate, "since: 1h", "sweep: 5ms")
	month := time.Now().Add(-30 * 24 * time.Hour).Truncate(time.Second)
	c.put(t, open311sim.Report{ID: "alt", Service: "licht", Requested: month})
	hidden := open311sim.Report{ID: "verdeckt", Service: "licht", Requested: month, Hidden: true}
	c.put(t, hidden)
	c.put(t, open311sim.Report{ID: "neu", Service: "licht"})
	events := play(t, c.source(t, s), in, 1)
	if d := dataOf(t, events[0]); d["meldung"].(map[string]any)["id"] != "neu" { //nolint:errcheck // its schema says so
		t.Fatal(d)
	}
	// The event is there before the first look is remembered; until then, all that is old
	// counts as the past.
	until(t, c.source(t, s), in, func() bool {
		done, err := in.State().Get(t.Context(), "baseline")
		return err == nil && done != nil
	})
	c.put(t, open311sim.Report{ID: "alt", Status: "closed", Updated: month.Add(time.Hour)}) // late, with an old time
	c.put(t, open311sim.Report{ID: "verdeckt", Updated: month})                             // published only now
	play(t, c.source(t, s), in, 3)
	c.rounds(t, c.source(t, s), in, 10)
	if got := len(in.Events()); got != 3 {
		t.Errorf("%d events: %s", got, types(in.Events()))
	}
}

// Clocks that disagree hide nothing: neither a server's that is behind or ahead, nor
// one of ours that was set back.
func TestClocks(t *testing.T) {
	for _, ahead := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			c := newTown(t, open311sim.Settings{Clock: ahead, Dialect: "klarschiff"})
			in := adaptertest.NewIntake()
			s := c.settings("portal", anyRate, "dialect: klarschiff", "sweep: 1h", "overlap: 1m")
			for n := 1; n <= 3; n++ {
				c.put(t, open311sim.Report{ID: fmt.Sprint(n), Service: "licht"})
				src := c.source(t, s)
				if n == 3 {
					open311.SetClock(src, func() time.Time { return time.Now().Add(-2 * time.Hour) })
				}
				play(t, src, in, n)
				c.rounds(t, src, in, 4)
			}
		})
	}
}

// More than an answer holds is asked for in parts: in halves of the time, or page by
// page while reports come, change and vanish.
func TestManyReports(t *testing.T) {
	for _, dialect := range []string{"georeport", "klarschiff", "mark-a-spot"} {
		t.Run(dialect, func(t *testing.T) {
			const reports = 60
			c := newTown(t, open311sim.Settings{Dialect: dialect, Limit: 10})
			at := time.Now().Add(-80 * 24 * time.Hour).Truncate(time.Second)
			for n := range reports {
				c.put(t, open311sim.Report{ID: fmt.Sprint(n), Service: "licht", Requested: at.Add(time.Duration(n) * 31 * time.Hour)})
			}
			in := adaptertest.NewIntake()
			src := c.source(t, c.settings("portal", "details: {per-minute: 0, limit: 10}", "dialect: "+dialect, "since: 2160h"))
			until(t, src, in, func() bool {
				if n := len(in.Events()); n == 15 {
					c.Remove("59") // on a page that was read: what is behind moves forward
				}
				return len(in.Events()) == reports
			})
		})
	}
}

// Photos are fetched from the hosts that are named, no others, and never through a
// redirect; one that cannot be had holds no report up.
func TestPhotos(t *testing.T) {
	photo := newPhotoServer(t)
	for name, c := range map[string]struct {
		path, media string
		want        int
	}{
		"not allowed":           {"/foto.jpg", "", 0},
		"another host":          {"/foto.jpg", "media: {hosts: [fotos.example.org], internal: true}", 0},
		"an inner address":      {"/foto.jpg", "media: {hosts: ['HOST']}", 0},
		"allowed":               {"/foto.jpg", "media: {hosts: ['HOST'], internal: true}", 1},
		"several":               {"/foto.jpg?a=1,2,URL/foto.jpg, URL/weg", "media: {hosts: ['HOST'], internal: true}", 2},
		"a redirect":            {"/umleitung", "media: {hosts: ['HOST'], internal: true}", 0},
		"no photo":              {"/seite", "media: {hosts: ['HOST'], internal: true}", 0},
		"too large":             {"/foto.jpg", "media: {hosts: ['HOST'], internal: true, max-bytes: 5}", 0},
		"not there":             {"/weg", "media: {hosts: ['HOST'], internal: true}", 0},
		"a user in the address": {"@/foto.jpg", "media: {hosts: ['HOST'], internal: true}", 0},
	} {
		t.Run(name, func(t *testing.T) {
			town := newTown(t, open311sim.Settings{})
			r := citizen
			r.MediaURL = photo.url + strings.ReplaceAll(c.path, "URL", photo.url)
			if user, ok := strings.CutPrefix(c.path, "@"); ok {
				r.MediaURL = "http://ottilie:geheim@" + photo.host + user
			}
			town.put(t, r)
			in := adaptertest.NewIntake()
			src := town.source(t, town.settings("portal", anyRate, strings.ReplaceAll(c.media, "HOST", photo.host)))
			d := dataOf(t, play(t, src, in, 1)[0])
			fotos, _ := d["fotos"].([]any)
			if len(fotos) != c.want {
				t.Errorf("%d photos, want %d", len(fotos), c.want)
			}
		})
	}
}
