package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
)

// TestCrossings runs the two further parts of the story: a move between two
// municipalities (W1 with W2) and a Sterbefall (W4). Each event is dropped where
// its application drops it; each receiver has exactly what its agreement says.
func TestCrossings(t *testing.T) {
	dir, data, w := story(t), filepath.Join(t.TempDir(), "data"), newWatch()
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: w, NoSimulators: true})
	defer func() { stopApp(t, a) }()
	for event, folder := range map[string]string{
		"umzug/rueckmeldung-gesandt":     "okewo",
		"umzug/person-weggezogen":        "hamburg-melderegister",
		"umzug/rueckmeldung-ausgewertet": "hamburg-melderegister",
		"sterbefall/tod-beurkundet":      "standesamt",
		"sterbefall/person-verstorben":   "okewo",
	} {
		drop(t, filepath.Join(dir, "ereignisse", filepath.FromSlash(event)+".json"), filepath.Join(data, "drop", folder, "in"))
	}
	want := map[string][]string{
		"de.meldewesen.rueckmeldung-gesandt.v1":     {"dataport.osci by rueckmeldung"},
		"de.meldewesen.person-weggezogen.v1":        {"hamburg.auslaenderbehoerde by wegzug-auslaender", "hamburg.kfz by wegzug-kfz"},
		"de.meldewesen.rueckmeldung-ausgewertet.v1": {"akdb.osci by auswertung"},
		"de.tod.beurkundet.v1":                      {"akdb.personenstand by sterbefall-meldebehoerde"},
		"de.meldewesen.person-verstorben.v1":        {"drv.dsrv by sterbefall-rente", "lhm.friedhof by sterbefall-stadt", "lhm.kfz by sterbefall-stadt"},
	}
	ds, _ := w.expect(t, 5, 8+5) // copies, and a receipt each
	for _, d := range ds {
		var got []string
		for _, r := range d.Receivers {
			got = append(got, r.Application+" by "+r.Agreement)
		}
		slices.Sort(got)
		if d.Outcome != hub.Routed || !slices.Equal(got, want[d.Type]) {
			t.Errorf("%s is %s (%s) to %v, want %v", d.Type, d.Outcome, d.Code, got, want[d.Type])
		}
	}
	for box, fields := range map[string]string{
		"hamburg-kfz":        "/auszug /bisherigeAnschrift/ags /bisherigeAnschrift/hausnummer /bisherigeAnschrift/ort /bisherigeAnschrift/plz /bisherigeAnschrift/strasse /person/geburtsdatum /person/name/familienname /person/name/vornamen",
		"friedhof":           "/person/geburtsdatum /person/name/familienname /person/name/vornamen /sterbetag",
		"rentenversicherung": "/anschrift/ags /anschrift/hausnummer /anschrift/ort /anschrift/plz /anschrift/strasse /person/geburtsdatum /person/name/familienname /person/name/vornamen /sterbetag",
	} {
		events := eventsIn(t, filepath.Join(data, "drop", box, "out"))
		if len(events) != 1 {
			t.Errorf("%s has %d events, want one", box, len(events))
			continue
		}
		if got := strings.Join(leaves(events[0]["data"], ""), " "); got != fields {
			t.Errorf("%s learns %s\nwant %s", box, got, fields)
		}
	}
}

// drop puts a file into a folder as adapters ask for it: whole, by renaming.
func drop(t *testing.T, file, folder string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(folder, filepath.Base(file))
	if err := os.WriteFile(target+".tmp", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(target+".tmp", target); err != nil {
		t.Fatal(err)
	}
}
