package okkomm_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/hub"
)

// publishes runs a source over what lies in its folder until it has published n
// events and emptied in/ and work/, and gives the reports of what was set aside.
func publishes(t *testing.T, dir string, n int) []string {
	t.Helper()
	published(t, dir, n)
	all, err := reports(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func published(t *testing.T, dir string, n int) []hub.Event {
	t.Helper()
	src, err := okkomm.Kind().Source(adaptertest.Env(dir), adaptertest.Settings(`{dir: antworten, poll: 1ms, source: 'urn:de:dvdv:'}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	in, end := adaptertest.NewIntake(), make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for (len(in.Events()) < n || len(lying(t, dir, "in"))+len(lying(t, dir, "work")) > 0) && ctx.Err() == nil {
		<-tick.C
	}
	cancel()
	if err := <-end; err != nil || len(in.Events()) != n {
		t.Fatalf("%d events, want %d: %v", len(in.Events()), n, err)
	}
	return in.Events()
}

func lying(t *testing.T, dir, sub string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "antworten", sub, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// layRaw puts an answer of KomService where a source that died after the call has
// left it.
func layRaw(t *testing.T, dir, name string, answer []byte) {
	t.Helper()
	path := filepath.Join(dir, "antworten", "in", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, answer, 0o600); err != nil {
		t.Fatal(err)
	}
}

func answerWith(contents ...string) []byte {
	var daten strings.Builder
	for _, c := range contents {
		daten.WriteString("<OK_KOMM_RAW_BASE64>" + c + "</OK_KOMM_RAW_BASE64>")
	}
	return okkomm.WriteAnswer(okkomm.KomService, zkoc(daten.String(), ""))
}

// A crash between the answer and its parsing loses nothing, and neither does a part
// that cannot be read: the others go on, and the whole is set aside once.
func TestFetchedAnswerIsKeptWhole(t *testing.T) {
	dir := t.TempDir()
	one, two := base64.StdEncoding.EncodeToString(message(1)), base64.StdEncoding.EncodeToString(message(2))
	broken := answerWith(one, "%%%", two)
	layRaw(t, dir, "k-1.soap", broken)
	if all := publishes(t, dir, 2); len(all) != 1 || !strings.HasPrefix(all[0], "antwort-unlesbar") {
		t.Errorf("reports %q", all)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "antworten", "error", "k-1.soap"))
	if err != nil || string(kept) != string(broken) {
		t.Errorf("%d bytes are set aside, want the whole answer: %v", len(kept), err)
	}
	if done := lying(t, dir, filepath.Join("done", "*", "*", "*")); len(done) > 0 {
		t.Errorf("%d files with persons stay behind", len(done))
	}
	layRaw(t, dir, "k-1.soap", broken)
	if all := publishes(t, dir, 2); len(all) != 1 {
		t.Errorf("the same answer again: reports %q", all)
	}
}

// What is no answer is set aside; one that says that it failed holds nothing.
func TestFetchedThatIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	layRaw(t, dir, "k-1.soap", []byte("<html><body>Wartungsarbeiten</body></html>"))
	layRaw(t, dir, "k-2.soap", okkomm.WriteAnswer(okkomm.KomService, zkoc("", "<FEHLER><FEH_TYP>E</FEH_TYP><FEH_TEXT>Zaunkönig</FEH_TEXT></FEHLER>")))
	layRaw(t, dir, "k-3.soap", answerWith(base64.StdEncoding.EncodeToString(message(3))))
	if all := publishes(t, dir, 1); len(all) != 1 || !strings.HasPrefix(all[0], "antwort-unlesbar") || strings.Contains(all[0], "Zaunk") {
		t.Errorf("reports %q", all)
	}
	for range 2 { // an ABRUFEN that takes nothing away gives the same again
		layRaw(t, dir, "k-4.soap", answerWith(base64.StdEncoding.EncodeToString([]byte("<brief/>"))))
		if all := publishes(t, dir, 0); len(all) != 2 {
			t.Errorf("reports %q", all)
		}
	}
}

// A server under repair gives a page with other bytes at each call: a day's first are
// enough. What has a message in it is set aside whatever their number.
func TestFetchedPagesHaveABound(t *testing.T) {
	dir := t.TempDir()
	for n := range 15 {
		layRaw(t, dir, fmt.Sprintf("k-%02d.soap", n), fmt.Appendf(nil, "<html><body>Wartungsarbeiten um %d</body></html>", n))
	}
	if all := publishes(t, dir, 0); len(all) != 10 {
		t.Errorf("%d reports", len(all))
	}
	layRaw(t, dir, "k-20.soap", answerWith("%%%"))
	if all := publishes(t, dir, 0); len(all) != 11 {
		t.Errorf("%d reports", len(all))
	}
}

// The process died between report and file; then the same bytes come again.
func TestSetAsideOnceAfterACrash(t *testing.T) {
	dir := t.TempDir()
	brief := answerWith(base64.StdEncoding.EncodeToString([]byte("<brief/>")))
	layRaw(t, dir, "k-1.soap", brief)
	publishes(t, dir, 0)
	files := lying(t, dir, "error")
	for _, f := range files {
		if !strings.HasSuffix(f, ".fehler.json") {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := len(lying(t, dir, "error"))
	for range 3 {
		layRaw(t, dir, "k-1.soap", brief)
		publishes(t, dir, 0)
	}
	if now := len(lying(t, dir, "error")); left != 1 || now != 3 { // both reports, and the file
		t.Errorf("%d files in error/ after the crash, and then %d", left, now)
	}
	if err := os.WriteFile(filepath.Join(dir, "antworten", "in", ".tmp-1"), brief, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour) // a younger one may be another's that is being written
	if err := os.Chtimes(filepath.Join(dir, "antworten", "in", ".tmp-1"), old, old); err != nil {
		t.Fatal(err)
	}
	publishes(t, dir, 0)
	if _, err := os.Stat(filepath.Join(dir, "antworten", "in", ".tmp-1")); err == nil {
		t.Error("a half written file stays")
	}
}

// What has an event type of its own as a file has it here, too.
func TestFetchedMessageIsTyped(t *testing.T) {
	authority := xmeld.Behoerde{
		Kennung: "ags:09999001", Name: "Meldebehörde Probstadt", Email: "ewo@example.org",
		Anschrift: &xmeld.Postanschrift{Strasse: "Rathausweg", Hausnummer: "91", PLZ: "60000", Ort: "Probstadt"},
	}
	death, err := xmeld.WriteTod(xmeld.Envelope{
		UUID: uuidOf(1), Created: time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC), Autor: authority, Leser: authority,
		Produkt: xmeld.Produkt{Name: "Probe", Hersteller: "Probe"},
	}, &xmeld.TodFortgeschrieben{
		Person: xmeld.Person{
			Name: xmeld.Name{Familienname: "Zaunkönig", Vornamen: "Ottilie"}, Geburtsdatum: xmeld.PartDate{Given: true, Value: "1985-08-12"},
		},
		Anschrift: &xmeld.Anschrift{AGS: "09162000", Strasse: "Nußbaumweg", Hausnummer: "12", PLZ: "80331", Ort: "München"},
		Sterbetag: xmeld.PartDate{Given: true, Value: "2026-02-27"},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	layRaw(t, dir, "k-1.soap", answerWith(base64.StdEncoding.EncodeToString(death)))
	e := published(t, dir, 1)[0]
	if e.Type() != "de.meldewesen.tod-fortgeschrieben.v1" || e.ID() != uuidOf(1) || e.Source() != "urn:de:dvdv:ags:09999001" {
		t.Errorf("%v", e)
	}
}
