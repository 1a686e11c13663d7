package okewo

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/schemas"
)

func openDesk(t *testing.T, dir string) *desk {
	t.Helper()
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	env, s := adaptertest.Env(dir), adaptertest.Settings("{dir: ., rules: rules.yaml, source: 'urn:de:dvdv:ags:09162000'}")
	env.Federation = testdata
	set, err := decode(env, s)
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(env, set, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func application() *xmeld.Eingegangen {
	return &xmeld.Eingegangen{
		Person: xmeld.Person{
			Name: xmeld.Name{Familienname: "Wiedehopf", Vornamen: "Alma"}, Geburtsdatum: xmeld.PartDate{Value: "1990-02-03", Given: true},
			Geschlecht: "w", Familienstand: "LD", Staatsangehoerigkeiten: []string{"000", "163"},
		},
		BisherigeAnschrift: &xmeld.Anschrift{AGS: "02000000", Strasse: "Elbchaussee", PLZ: "22765", Ort: "Hamburg"},
		Anschrift:          xmeld.Anschrift{AGS: "09162000", Strasse: "Nußbaumweg", Hausnummer: "12", PLZ: "80331", Ort: "München"},
		Einzug:             "2026-03-01", Wohnungsstatus: "1",
	}
}

func uuidOf(n int) string { return fmt.Sprintf("cccccccc-0000-4000-8000-%012d", n) }

// apply writes the nth application into out/, as the hub would.
func apply(t *testing.T, d *desk, n int, change func(*xmeld.Envelope, *xmeld.Eingegangen)) {
	t.Helper()
	data := application()
	v := xmeld.Envelope{
		UUID: uuidOf(n), Created: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC),
		Autor: xmeld.Behoerde{
			Kennung: "mbp:020000019999", Name: "Meldeportal Probstadt", Email: "portal@example.org",
			Anschrift: &xmeld.Postanschrift{Strasse: "Am Sande", PLZ: "20095", Ort: "Probstadt"},
		},
		Leser:   xmeld.Behoerde{Kennung: "ags:09162000", Name: "Meldebehörde Isarstadt"},
		Produkt: xmeld.Produkt{Name: "Probe", Hersteller: "Probe"},
	}
	if change != nil {
		change(&v, data)
	}
	doc, err := xmeld.WriteMeldeschein(v, data, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, d.out(fmt.Sprintf("XMeld_1704_%s.xml", v.UUID)), string(doc))
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answers gives in/ as name and content; the application must be gone.
func answers(t *testing.T, d *desk) map[string]string {
	t.Helper()
	if left, err := os.ReadDir(d.out()); err != nil || len(left) > 0 {
		t.Errorf("out has %v, %v", left, err)
	}
	files, err := filepath.Glob(d.in("*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(b)
	}
	return all
}

// one gives the only answer with the ending.
func one(t *testing.T, all map[string]string, ending string) string {
	t.Helper()
	var found []string
	for name, content := range all {
		if strings.HasSuffix(name, ending) {
			found = append(found, content)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d answers *%s", len(found), ending)
	}
	return found[0]
}

func work(t *testing.T, d *desk) {
	t.Helper()
	if err := d.work(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// resultOf reads a 1707 and holds it against the schema.
func resultOf(t *testing.T, doc string) *xmeld.Result {
	t.Helper()
	if complaint := interop.Lint(t, []byte(doc), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
		t.Errorf("xmllint: %s\n%s", complaint, doc)
	}
	m, err := xoev.Read(strings.NewReader(doc), xmlguard.Limits{}, xmeld.Typed)
	if err != nil {
		t.Fatal(err)
	}
	r, err := xmeld.ReadErgebnis(m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAccepts(t *testing.T) {
	d := openDesk(t, t.TempDir())
	apply(t, d, 1, func(v *xmeld.Envelope, _ *xmeld.Eingegangen) { test := "Probe"; v.Test = &test })
	work(t, d)
	all := answers(t, d)
	yes := resultOf(t, one(t, all, ".xml")).Angenommen
	if yes == nil || yes.Ursprung.NachrichtenUUID != uuidOf(1) || yes.Aktenzeichen != "EWO-2026-000001" ||
		yes.Anmeldung != "2026-03-02" || yes.Kopf.Test == nil || yes.Kopf.Leser.Kennung != "mbp:020000019999" {
		t.Errorf("answer is %+v", yes)
	}
	var e map[string]any
	if err := json.Unmarshal([]byte(one(t, all, ".json")), &e); err != nil {
		t.Fatal(err)
	}
	data := e["data"]
	delete(e, "data")
	delete(e, "time")
	id, _ := e["id"].(string)
	delete(e, "id")
	want := map[string]any{
		"specversion": "1.0", "source": "urn:de:dvdv:ags:09162000", "type": "de.meldewesen.wohnung-angemeldet.v1",
		"datacontenttype": "application/json", "dataschema": "urn:amtsbote:schema:de.meldewesen.wohnung-angemeldet.v1",
		"correlationid": uuidOf(1), "ags": "09162000",
	}
	if diff := cmp.Diff(want, e); diff != "" || len(id) != 36 || id == uuidOf(1) {
		t.Error(diff, id)
	}
	person, _ := data.(map[string]any)["person"].(map[string]any)
	if person["deutsch"] != true {
		t.Errorf("person is %v", person)
	}
	schemaValid(t, one(t, all, ".json"))
}

func schemaValid(t *testing.T, event string) {
	t.Helper()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := registry.Lookup(typeAngemeldet)
	if !ok {
		t.Fatal("no schema")
	}
	var e struct{ Data any }
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	if found := schema.Validate(e.Data); found != nil {
		t.Error(found)
	}
}

func TestRules(t *testing.T) {
	cases := map[string]struct {
		change func(*xmeld.Eingegangen)
		status string // "" for acceptance
		reason string
	}{
		"default":       {func(*xmeld.Eingegangen) {}, "", ""},
		"not our place": {func(d *xmeld.Eingegangen) { d.Anschrift.AGS = "09184119" }, "02", "nicht zuständig"},
		"future":        {func(d *xmeld.Eingegangen) { d.Einzug = "2026-03-03" }, "02", "in der Zukunft (§ 17 BMG)"},
		"today":         {func(d *xmeld.Eingegangen) { d.Einzug = "2026-03-02" }, "", ""},
		"91 days":       {func(d *xmeld.Eingegangen) { d.Einzug = "2025-12-01" }, "02", "90 Tage"},
		"90 days":       {func(d *xmeld.Eingegangen) { d.Einzug = "2025-12-02" }, "", ""},
		"no first name": {func(d *xmeld.Eingegangen) { d.Person.Name.Vornamen = "" }, "02", "Vorname"},
		"street":        {func(d *xmeld.Eingegangen) { d.Anschrift.Strasse = "Sperrweg" }, "03", "Sperrweg"},
		"first wins": {func(d *xmeld.Eingegangen) {
			d.Person.Name.Familienname, d.Einzug = "Immerja", "2030-01-01"
		}, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := openDesk(t, t.TempDir())
			apply(t, d, 1, func(_ *xmeld.Envelope, e *xmeld.Eingegangen) { c.change(e) })
			work(t, d)
			all := answers(t, d)
			r := resultOf(t, one(t, all, ".xml"))
			if c.status == "" {
				if r.Angenommen == nil || len(all) != 2 {
					t.Errorf("refused: %+v", r.Zurueckgewiesen)
				}
				return
			}
			if r.Zurueckgewiesen == nil || len(all) != 1 || r.Zurueckgewiesen.Grund.Code != c.status || len(d.register.Residents) != 0 {
				t.Fatalf("answers %d, result %+v", len(all), r)
			}
			if got := d.register.Cases[uuidOf(1)].Verdict.Reason; !strings.Contains(got, c.reason) {
				t.Errorf("reason is %s", got)
			}
		})
	}
}

func TestHoldsBlocks(t *testing.T) {
	d := openDesk(t, t.TempDir())
	apply(t, d, 1, func(_ *xmeld.Envelope, e *xmeld.Eingegangen) {
		e.Person.Name = xmeld.Name{Familienname: "Zaunkönig", Vornamen: "Ottilie"}
		e.Person.Geburtsdatum.Value = "1985-08-12"
		e.Person.Staatsangehoerigkeiten = []string{"163"}
		e.Sperren = &xmeld.Sperren{Uebermittlungssperren: []string{"7"}}
	})
	work(t, d)
	var e struct{ Data angemeldet }
	event := one(t, answers(t, d), ".json")
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	want := &xmeld.Sperren{Auskunftssperre: true, Uebermittlungssperren: []string{"2", "7"}}
	if diff := cmp.Diff(want, e.Data.Sperren); diff != "" || e.Data.Person.Deutsch {
		t.Error(diff, e.Data.Person)
	}
	schemaValid(t, event)
}

// TestRepeats: the same application again, also after a restart, has no second
// effect and the same answers, byte for byte.
func TestRepeats(t *testing.T) {
	dir := t.TempDir()
	d := openDesk(t, dir)
	apply(t, d, 1, nil)
	work(t, d)
	first := answers(t, d)
	d = openDesk(t, dir)
	d.rules.Register.Name = "Inzwischen umbenannt"
	d.set.Source = "urn:other"
	d.now = func() time.Time { return time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) }
	for name := range first {
		if err := os.Remove(d.in(name)); err != nil {
			t.Fatal(err)
		}
	}
	apply(t, d, 1, nil)
	work(t, d)
	if diff := cmp.Diff(first, answers(t, d)); diff != "" {
		t.Error(diff)
	}
	if len(d.register.Cases) != 1 || len(d.register.Residents) != 1 {
		t.Errorf("%d cases, %d residents", len(d.register.Cases), len(d.register.Residents))
	}
}

// TestRestart stops the register at every step of its work: whatever was done,
// the next start ends with the same answers as an undisturbed run.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	d := openDesk(t, dir)
	apply(t, d, 1, nil)
	apply(t, d, 2, func(_ *xmeld.Envelope, e *xmeld.Eingegangen) { e.Anschrift.AGS = "09184119" })
	if err := os.RemoveAll(d.in()); err != nil { // decided and saved, but no answer can be written
		t.Fatal(err)
	}
	if err := d.work(t.Context()); err == nil {
		t.Fatal("no error without in/")
	}
	decided := ids(d.register)
	d = openDesk(t, dir)
	if diff := cmp.Diff(decided, ids(d.register)); diff != "" || len(decided) != 2 {
		t.Fatal("decisions were not saved", diff)
	}
	left, err := waiting(d.out())
	if err != nil || len(left) != 2 {
		t.Fatalf("out has %v, %v", left, err)
	}
	work(t, d)
	if all := answers(t, d); len(all) != 3 {
		t.Errorf("%d answers", len(all))
	}
	if diff := cmp.Diff(decided, ids(d.register)); diff != "" {
		t.Error(diff)
	}
}

func ids(r *register) []string {
	var all []string
	for id, c := range r.Cases {
		all = append(all, id+" "+c.AnswerUUID+" "+c.EventID+" "+c.Aktenzeichen)
	}
	slices.Sort(all)
	return all
}

func TestLaysAside(t *testing.T) {
	d := openDesk(t, t.TempDir())
	write(t, d.out("kein.xml"), "Guten Tag")
	write(t, d.out("fremd.xml"), `<a standard="XMeld"/>`)
	write(t, d.out(".halb.xml.tmp"), "<a")
	apply(t, d, 1, func(v *xmeld.Envelope, _ *xmeld.Eingegangen) { v.Leser.Kennung = "ags:09999999" })
	apply(t, d, 2, nil)
	work(t, d)
	if err := os.Remove(d.out(".halb.xml.tmp")); err != nil {
		t.Error("a file that is being written was touched", err)
	}
	if all := answers(t, d); len(all) != 2 {
		t.Errorf("answers are %v", all)
	}
	if aside, _ := filepath.Glob(d.aside("*")); len(aside) != 3 {
		t.Errorf("aside are %v", aside)
	}
}

func TestManyAtOnce(t *testing.T) {
	d := openDesk(t, t.TempDir())
	for n := range batch + 5 {
		apply(t, d, n, nil)
	}
	work(t, d)
	if all := answers(t, d); len(all) != 2*(batch+5) {
		t.Errorf("%d answers", len(all))
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	apply(t, openDesk(t, dir), 1, nil)
	rules, err := filepath.Abs(filepath.Join("testdata", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() {
		end <- Simulator().Run(ctx, adaptertest.Env(dir), adaptertest.Settings("{dir: ., poll: 1ms, source: 'urn:x', rules: '"+rules+"'}"))
	}()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if files, _ := filepath.Glob(filepath.Join(dir, "in", "*.json")); len(files) == 1 {
			break
		}
		select {
		case <-tick.C:
		case err := <-end:
			t.Fatal("ended", err)
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
}
