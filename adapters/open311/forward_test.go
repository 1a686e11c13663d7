package open311_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
)

// What is filed: the report's own words and place, and no contact but the office's.
func TestWhatIsFiled(t *testing.T) {
	c := newTown(t, open311sim.Settings{Dialect: "klarschiff"})
	sink := c.sink(t, c.settings("forward", anyRate, "dialect: klarschiff", "email: maengel@stadt.example", "services: {loch: schlagloch}"))
	e := forwardEvent(1, `{"meldung":{"id":"7-2026","kategorie":"loch"},"beschreibung":"`+strings.Repeat("ä", 4000)+`",
		"ort":{"breite":48.25,"laenge":11.5,"angabe":"B 471"},"fotos":[{"ref":"blob:x"}],"email":"ottilie@zaunkoenig.example","kontakt":{"phone":"0171 2345678"}}`)
	if err := sink.Deliver(t.Context(), deliveryOf(1, e)); err != nil {
		t.Fatal(err)
	}
	form := c.Posts()[0]
	text := []rune(form.Get("description"))
	if len(text) > 4000 || !strings.Contains(string(text), "[Amtsbote ") {
		t.Errorf("description has %d characters", len(text))
	}
	form.Del("description")
	want := "address_string=B+471&email=maengel%40stadt.example&lat=48.25&long=11.5&service_code=schlagloch"
	if got := form.Encode(); got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
	in := adaptertest.NewIntake()
	src := c.source(t, c.settings("forward", anyRate, "dialect: klarschiff", "email: maengel@stadt.example"))
	events := play(t, src, in, 2) // PENDING is a status already
	d := dataOf(t, events[0])
	if d["kennung"] != "600001" || len(d["nichtUebertragen"].([]any)) != 2 { //nolint:errcheck // its schema says so
		t.Error(d)
	}
}

// The status comes back under the names of our own portal and in the same case; a
// report that is open again, and one that vanishes, end nothing.
func TestStatusBack(t *testing.T) {
	for _, format := range []string{"json", "xml"} {
		t.Run(format, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{})
			s := c.settings("forward", anyRate, "format: "+format)
			if err := c.sink(t, s).Deliver(t.Context(), deliveryOf(7, forwardEvent(7, ""))); err != nil {
				t.Fatal(err)
			}
			in := adaptertest.NewIntake()
			src := c.source(t, s)
			play(t, src, in, 1)
			at := time.Now().Add(time.Minute).Truncate(time.Second)
			put := func(r open311sim.Report) {
				at = at.Add(time.Minute)
				r.ID, r.Updated = "600001", at
				c.put(t, r)
			}
			put(open311sim.Report{Agency: "Landratsamt"})
			play(t, src, in, 2)
			put(open311sim.Report{Status: "closed", Notes: "Asphalt erneuert."})
			play(t, src, in, 3)
			put(open311sim.Report{Status: "open"})
			play(t, src, in, 4)
			put(open311sim.Report{Hidden: true})
			c.rounds(t, src, in, 4)
			put(open311sim.Report{Status: "closed"})
			events := play(t, src, in, 5)
			c.rounds(t, c.source(t, s), in, 4)
			if got := types(in.Events()); got != "weiterleitung-bestaetigt meldung-zugewiesen meldung-geloest meldung-stand-geaendert meldung-geloest" {
				t.Fatal(got)
			}
			for _, e := range events {
				d := dataOf(t, e)
				if m := d["meldung"].(map[string]any); m["id"] != "7-2026" || e.Extensions()["correlationid"] != "vorgang-7" || e.Extensions()["causationid"] != "weiter-7" { //nolint:errcheck // its schema says so
					t.Errorf("%s: %v %v", e.Type(), d, e.Extensions())
				}
			}
		})
	}
}

// Tokens: the server gives a token first and the id later; each is told once.
func TestToken(t *testing.T) {
	for _, format := range []string{"json", "xml"} {
		t.Run(format, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{Services: []open311sim.Service{{Code: "ampel", Name: "Ampel", Type: "batch"}, {Code: "ruf", Name: "Ruf", Type: "blackbox"}}})
			s := c.settings("forward", anyRate, "format: "+format, "services: {schlagloch: ampel, licht: ruf}")
			sink, in := c.sink(t, s), adaptertest.NewIntake()
			if err := sink.Deliver(t.Context(), deliveryOf(1, forwardEvent(1, ""))); err != nil {
				t.Fatal(err)
			}
			events := play(t, c.source(t, s), in, 2)
			if a, b := dataOf(t, events[0]), dataOf(t, events[1]); a["token"] != b["token"] || a["kennung"] != nil || b["kennung"] != "600001" {
				t.Error(a, b)
			}
			dark := forwardEvent(2, `{"meldung":{"id":"8-2026","kategorie":"licht"},"ort":{"angabe":"B 471"}}`)
			if err := sink.Deliver(t.Context(), deliveryOf(2, dark)); err != nil {
				t.Fatal(err)
			}
			last := play(t, c.source(t, s), in, 3)[2]
			if d := dataOf(t, last); d["token"] != nil || d["kennung"] != nil {
				t.Errorf("a server that gives neither: %v", d)
			}
		})
	}
}

// A crash at any moment, and every way in which an answer can be lost: the report is
// filed once.
func TestFiledOnce(t *testing.T) {
	for name, c := range map[string]struct {
		faults []open311sim.Fault
		record string // what lies on disk before
		wait   string
		posts  int
	}{
		"answers 500 after it took it":     {faults: []open311sim.Fault{{Art: "getan-500", Bei: "POST"}}, posts: 1},
		"cuts off after it took it":        {faults: []open311sim.Fault{{Art: "getan-weg", Bei: "POST"}}, posts: 1},
		"answers a page after it took it":  {faults: []open311sim.Fault{{Art: "getan-html", Bei: "POST"}}, posts: 1},
		"redirects after it took it":       {faults: []open311sim.Fault{{Art: "getan-umleitung", Bei: "POST"}}, posts: 1},
		"answers 503 and took nothing":     {faults: []open311sim.Fault{{Art: "503", Bei: "POST"}}, posts: 1},
		"answers 429 and took nothing":     {faults: []open311sim.Fault{{Art: "429", Bei: "POST"}}, posts: 1},
		"answers without end":              {faults: []open311sim.Fault{{Art: "riesig", Bei: "POST"}}, posts: 1},
		"redirects":                        {faults: []open311sim.Fault{{Art: "umleitung", Bei: "POST"}}, posts: 1},
		"crash before it was sent":         {record: "sending", posts: 1},
		"a page instead of the services":   {faults: []open311sim.Fault{{Art: "html", Bei: "GET"}}, posts: 1},
		"and cannot be looked through yet": {faults: []open311sim.Fault{{Art: "getan-500", Bei: "POST"}, {Art: "kaputt", Bei: "GET"}}, posts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			town := newTown(t, open311sim.Settings{})
			s := town.settings("forward", anyRate, "visible-after: 0s", "max-bytes: 65536", "timeout: 100s")
			d := deliveryOf(1, forwardEvent(1, ""))
			if c.record != "" {
				town.lay(t, d, c.record, time.Now())
			}
			if len(c.faults) > 1 { // the first look is at the services
				if err := town.sink(t, s).Deliver(t.Context(), deliveryOf(99, forwardEvent(99, ""))); err != nil {
					t.Fatal(err)
				}
				c.posts++
			}
			sink := town.sink(t, s)
			for i, f := range c.faults {
				if i > 0 {
					sink = town.sink(t, s)
				}
				town.order(t, f)
				err := sink.Deliver(t.Context(), d)
				if fault := hub.FaultOf(err); fault == nil || fault.Permanent {
					t.Fatalf("fault %s: %v", f.Art, err)
				}
				shows(t, err.Error(), "Zaunkoenig", "Fahrbahn", "geheim", town.url)
			}
			for range 3 { // each with a new start
				if err := town.sink(t, s).Deliver(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			}
			if got := len(town.Posts()); got != c.posts {
				t.Errorf("filed %d times", got)
			}
		})
	}
}

// lay puts the record of a report on disk as a crash leaves it.
func (c *town) lay(t *testing.T, d hub.Delivery, phase string, at time.Time) {
	t.Helper()
	dir := filepath.Join(c.dir, "o", "forwarded")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{
		"phase": phase, "at": at, "service_code": "schlagloch", "meldung": map[string]string{"id": "1-2026", "kategorie": "schlagloch"},
		"case": "vorgang-1", "cause": "weiter-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, open311.RecordOf(d)+".json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func shows(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("it shows %q: %s", s, text)
		}
	}
}

// A report may become visible late: until then nothing is sent again, and the hub is
// told to come back without counting it as an attempt.
func TestNotVisibleYet(t *testing.T) {
	c := newTown(t, open311sim.Settings{Moderated: true})
	d := deliveryOf(1, forwardEvent(1, ""))
	s := c.settings("forward", anyRate, "visible-after: 10m")
	c.order(t, open311sim.Fault{Art: "getan-500", Bei: "POST"})
	if err := c.sink(t, s).Deliver(t.Context(), d); err == nil {
		t.Fatal("taken")
	}
	err := c.sink(t, s).Deliver(t.Context(), d)
	if f := hub.FaultOf(err); f == nil || f.Code != "not-visible-yet" || !f.Later || f.After <= 0 || f.Permanent {
		t.Fatal(err)
	}
	id := c.Reports()[0].ID
	c.put(t, open311sim.Report{ID: id}) // an editor has looked
	if err := c.sink(t, s).Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := len(c.Posts()); got != 1 {
		t.Errorf("filed %d times", got)
	}
}

// Where reports cannot be looked through, a person decides; nothing is sent again.
func TestNoLookup(t *testing.T) {
	c := newTown(t, open311sim.Settings{})
	d := deliveryOf(1, forwardEvent(1, ""))
	s := c.settings("forward", "details: {per-minute: 0, lookup: none}")
	c.lay(t, d, "sending", time.Now())
	for range 2 {
		err := c.sink(t, s).Deliver(t.Context(), d)
		if f := hub.FaultOf(err); f == nil || f.Code != "outcome-unknown" || !f.Permanent {
			t.Fatal(err)
		}
	}
	if len(c.Posts()) != 0 {
		t.Error("sent again")
	}
}

// What the server lacks, or refuses, is said so that somebody can act.
func TestRefusals(t *testing.T) {
	c := newTown(t, open311sim.Settings{Dialect: "klarschiff"})
	for name, r := range map[string]struct {
		settings, code string
		permanent      bool
	}{
		"a service that it lacks": {"services: {schlagloch: krater}", "service-unknown", true},
		"a wrong key":             {"api-key-file: falsch", "unauthorised", false},
		"no address of an office": {"dialect: georeport", "refused", true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(c.dir, "falsch"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			s := strings.Replace(string(c.settings("forward", anyRate, "email: a@stadt.example")), "api-key-file: key\n", "", 1)
			switch {
			case strings.HasPrefix(r.settings, "dialect"):
				s = strings.Replace(s, "email: a@stadt.example", "api-key-file: key", 1)
			case !strings.HasPrefix(r.settings, "api-key-file"):
				s += "api-key-file: key\n"
			}
			err := c.sink(t, adaptertest.Settings(s+r.settings)).Deliver(t.Context(), deliveryOf(1, forwardEvent(1, "")))
			if f := hub.FaultOf(err); f == nil || f.Code != r.code || f.Permanent != r.permanent {
				t.Errorf("%v", err)
			}
		})
	}
	src := c.source(t, c.settings("forward", anyRate, "services: {schlagloch: krater}"))
	said := func() int { return c.logs.FilterMessageSnippet("no service with the service_code").Len() }
	until(t, src, adaptertest.NewIntake(), func() bool { return said() > 0 })
	if said() != 1 {
		t.Errorf("the start says %d times that a service is not there", said())
	}
}
