package akdb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	settings = "{dir: ., poll: 1ms, source: 'urn:de:dvdv:', leser: ['ags:09162000', 'mbp:020000019999'], kopf: {autor: {kennung: 'mbp:020000019999', " +
		"name: Meldeportal Probstadt, email: portal@example.org, anschrift: {strasse: Am Sande, hausnummer: '3', plz: '20095', ort: Probstadt}}, " +
		"leser: {kennung: 'ags:09162000', name: Meldebehörde Isarstadt}}}"
	portalKey   = "mbp:020000019999"
	registerKey = "ags:09162000"
)

var (
	portal = xmeld.Behoerde{
		Kennung: portalKey, Name: "Meldeportal Probstadt", Email: "portal@example.org",
		Anschrift: &xmeld.Postanschrift{Strasse: "Am Sande", Hausnummer: "3", PLZ: "20095", Ort: "Probstadt"},
	}
	register = xmeld.Behoerde{
		Kennung: registerKey, Name: "Meldebehörde Isarstadt", Email: "ewo@example.org",
		Anschrift: &xmeld.Postanschrift{Strasse: "Ruppertstraße", PLZ: "80337", Ort: "Isarstadt"},
	}
	created = time.Date(2026, 3, 2, 8, 15, 0, 123_000_000, time.UTC)
)

func uuidOf(n int) string { return fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n) }

func envelope(n int, autor, leser xmeld.Behoerde) xmeld.Envelope {
	return xmeld.Envelope{
		UUID: strings.ToUpper(uuidOf(n)), Created: created, Autor: autor, Leser: leser,
		Produkt: xmeld.Produkt{Name: "Probe", Hersteller: "Probe"},
	}
}

func person() xmeld.Person {
	return xmeld.Person{
		Name:         xmeld.Name{Familienname: "Zaunkönig", Vornamen: "Ottilie"},
		Geburtsdatum: xmeld.PartDate{Value: "1985-08-12", Given: true},
	}
}

func dwelling() xmeld.Anschrift {
	return xmeld.Anschrift{AGS: "09162000", Strasse: "Nußbaumweg", Hausnummer: "12", PLZ: "80331", Ort: "München"}
}

func applicationData() *xmeld.Eingegangen {
	d := &xmeld.Eingegangen{
		Person: person(), Anschrift: dwelling(), Einzug: "2026-03-01", Wohnungsstatus: "0",
		BisherigeAnschrift: &xmeld.Anschrift{AGS: "02000000", Strasse: "Elbchaussee", PLZ: "22765", Ort: "Hamburg"},
		Sperren:            &xmeld.Sperren{Auskunftssperre: true},
	}
	d.Person.Geschlecht, d.Person.Familienstand, d.Person.Staatsangehoerigkeiten = "w", "LD", []string{"000"}
	return d
}

func origin() xmeld.Ursprung {
	return xmeld.Ursprung{NachrichtenUUID: uuidOf(1), Code: "1704", Erstellungszeitpunkt: "2026-03-02T09:15:00.123+01:00"}
}

func application(t testing.TB, n int) string {
	return must(t)(xmeld.WriteMeldeschein(envelope(n, portal, register), applicationData(), ""))
}

func accepted(t testing.TB, n int) string {
	return must(t)(xmeld.WriteAngenommen(envelope(n, register, portal), &xmeld.Angenommen{
		Aktenzeichen: "EWO-1", Person: person(), Anschrift: dwelling(), Einzug: xmeld.PartDate{Value: "2026-03-01", Given: true},
		Anmeldung: "2026-03-02", Wohnungsstatus: "0", Ursprung: origin(),
	}, []byte("%PDF-1.4 Probe")))
}

func refused(t testing.TB, n int) string {
	p := person()
	return must(t)(xmeld.WriteZurueckgewiesen(envelope(n, register, portal), &xmeld.Zurueckgewiesen{
		Aktenzeichen: "EWO-2", Grund: xmeld.Grund{Code: "02"}, Person: &p, Ursprung: origin(),
	}, xmeld.Anschrift{AGS: "09162000"}, []byte("%PDF-1.4 Gründe")))
}

func must(t testing.TB) func([]byte, error) string {
	t.Helper()
	return func(b []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// generic is a message without a type of its own.
func generic(n int) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<x:fortschreibung.probe.0999 xmlns:x="http://www.osci.de/xmeld2511a" produkt="P" produkthersteller="H" standard="XMeld" version="25.11a">
 <nachrichtenkopf.g2g><identifikation.nachricht><nachrichtenUUID>%s</nachrichtenUUID>
  <nachrichtentyp listURI="urn:de:xmeld:schluesseltabelle:xmeld.nachrichten" listVersionID="25.11a"><code>0999</code></nachrichtentyp>
  <erstellungszeitpunkt>2026-03-02T09:15:00</erstellungszeitpunkt></identifikation.nachricht>
  <leser><kennung>%s</kennung><name>Meldebehörde Isarstadt</name></leser>
  <autor><kennung>ags:09999001</kennung><name>Meldebehörde Probstadt</name></autor></nachrichtenkopf.g2g>
 <x:fall><x:identifikation.ereignis><ereignis.zeitpunkt>2026-03-01T00:00:00</ereignis.zeitpunkt><ereignis.zeichen>Z-1</ereignis.zeichen>
 </x:identifikation.ereignis></x:fall>
</x:fortschreibung.probe.0999>`, uuidOf(n), registerKey)
}

// put lays a file into in/ at once.
func put(dir, name, content string) error {
	in := filepath.Join(dir, "in")
	if err := os.MkdirAll(in, 0o750); err != nil {
		return err
	}
	temp := filepath.Join(dir, name+".tmp")
	if err := os.WriteFile(temp, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(in, name))
}

// reports gives the reasons of what was set aside: code, then text.
func reports(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "error", "*.fehler.json"))
	var all []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var r struct{ Code, Text string }
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, err
		}
		all = append(all, r.Code+": "+r.Text)
	}
	return all, err
}

// run starts a source on dir until in/ and work/ are empty.
func run(t *testing.T, dir string, env hub.Env, yaml string) *adaptertest.Intake {
	t.Helper()
	src, err := akdb.Kind().Source(env, adaptertest.Settings(yaml))
	if err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !empty(dir) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("files are still waiting")
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	if err := in.Breaches(); err != nil {
		t.Error(err)
	}
	return in
}

func empty(dir string) bool {
	waiting := 0
	for _, name := range []string{"in", "work"} {
		_ = filepath.WalkDir(filepath.Join(dir, name), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				waiting++
			}
			return nil
		})
	}
	return waiting == 0
}

var limits = xmlguard.Defaults()

// ended is a context that is over.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func newSource(dir, yaml string) (hub.Source, error) {
	return akdb.Kind().Source(adaptertest.Env(dir), adaptertest.Settings(yaml))
}

// compare holds data against a golden file.
func compare(t *testing.T, golden string, got map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
