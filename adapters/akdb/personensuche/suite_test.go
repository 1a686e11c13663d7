package personensuche_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/personensuche"
	"github.com/amtsbote/amtsbote/hub"
)

var ways = []string{"okkomm", "okewo"}

// Inputs come into the source's folder by the sink, as in life; a bad one is a file
// that is no answer.
func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{PerKey: true, New: func(t testing.TB) adaptertest.Origin {
		o := newOffice(t, "okkomm")
		sink, err := o.sink()
		if err != nil {
			t.Fatal(err)
		}
		return adaptertest.Origin{
			Source: o.source,
			Input: func(n int) adaptertest.Input {
				d := delivery(n, sought(n, ""))
				return adaptertest.Input{
					Put: func() error { return sink.Deliver(t.Context(), d) },
					Want: []adaptertest.Want{{EventRef: hub.EventRef{
						Source: eventSource, ID: auskunft.ID(d), Type: personensuche.TypeErmittelt,
					}}},
				}
			},
			Bad: []adaptertest.Input{{Name: "no JSON", Put: func() error {
				return os.WriteFile(filepath.Join(o.dir, "antworten", "in", "fremd.json"), []byte("Zaunkönig"), 0o600)
			}}},
			SetAside: o.reports,
		}
	}})
}

// What the sink did are the answers that lie there.
func TestSink(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination { return destination(t, way) }})
		})
	}
}

func destination(t testing.TB, way string) adaptertest.Destination {
	t.Helper()
	o := newOffice(t, way)
	other := sought(900, "")
	other.SetType("de.meldewesen.person-geaendert.v1")
	return adaptertest.Destination{
		Sink:  o.sink,
		Event: func(n int) hub.Event { return sought(n, "") },
		Unmappable: []hub.Event{
			other,
			sought(901, `{"name":{"familienname":"Zaun*","vornamen":"Ottilie"},"geburtsdatum":"1985-08-12","ags":"09162000"}`),
			sought(902, `{"name":{"familienname":"Zaunkönig","vornamen":"Ottilie"},"ags":"09162000"}`),
			sought(903, `{"geburtsdatum":"1985-08-12","ags":"09162000"}`),
			sought(904, `"Zaunkönig"`),
		},
		Effects: func() ([]string, error) { return append(o.bis.Asked(), o.lying(t, "in")...), nil },
		Down: func() (func() error, error) {
			o.away.Store(true)
			return func() error { o.away.Store(false); return nil }, nil
		},
	}
}

func TestSettings(t *testing.T) {
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	const bis = `{source: 'urn:x:', fragesteller: 'urn:y', felder: [name], xoevservice: {url: 'https://e/x'}, ` + abruf + `}`
	const city = `{source: 'urn:x:', fragesteller: 'urn:y', register: {url: 'https://e/x', benutzerid: b, ags: ['09162000']}}`
	for _, good := range []string{bis, city} {
		if _, err := personensuche.Kind().Sink(env, adaptertest.Settings(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, c := range []struct{ good, old, new, want string }{
		{bis, "felder: [name]", "felder: [religion]", "felder"},
		{bis, "felder: [name]", "felder: []", "felder"},
		{bis, "xoevservice: {url: 'https://e/x'}, ", "", ""},
		{bis, "anlass: Probe, ", "", "abruf"},
		{bis, "https://", "http://", "xoevservice.url"},
		{bis, "source: 'urn:x:'", "dir: ''", "dir"},
		{city, "register", "xoevservice: {url: 'https://e/x'}, register", ""},
		{city, "benutzerid: b, ", "", "register.benutzerid"},
		{city, ", ags: ['09162000']", "", "register.ags"},
		{city, "'09162000'", "'9162'", "register.ags"},
		{bis, "fragesteller: 'urn:y', ", "", "fragesteller"},
		{bis, "felder: [name]", "gesperrte: ja", "gesperrte"},
		{bis, "felder: [name]", "einstufung: geheim", "einstufung"},
		{strings.Replace(bis, "felder: [name], ", "", 1), ", " + abruf, "", "abruf"},
		{bis, "url: 'https://e/x'", "url: 'https://e/x', frist: 0s", "xoevservice.frist"},
		{city, "benutzerid: b", "frist: 0s, benutzerid: b", "register.frist"},
		{city, "register", "felder: [name, geschlecht], register", "felder"},
		{city, "register", abruf + ", register", "abruf"},
		{city, "https://", "http://", "register.url"},
	} {
		text := strings.Replace(c.good, c.old, c.new, 1)
		if _, err := personensuche.Kind().Sink(env, adaptertest.Settings(text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error at %q", text, err, c.want)
		}
	}
	if _, err := personensuche.Kind().Source(env, adaptertest.Settings(`{}`)); err == nil || !strings.HasPrefix(err.Error(), "source") {
		t.Errorf("a source without a name: %v", err)
	}
}
