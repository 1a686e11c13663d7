package okverkehr_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehr"
	"github.com/amtsbote/amtsbote/hub"
)

// Inputs come into the source's folder by the sink, as in life; bad ones are files
// that are no answers.
func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{PerKey: true, New: func(t testing.TB) adaptertest.Origin {
		g := newGarage(t)
		sink, err := g.sink()
		if err != nil {
			t.Fatal(err)
		}
		bad := func(name, content string) adaptertest.Input {
			return adaptertest.Input{Name: name, Put: func() error {
				return os.WriteFile(filepath.Join(g.dir, "antworten", "in", "fremd.json"), []byte(content), 0o600)
			}}
		}
		return adaptertest.Origin{
			Source: g.source,
			Input: func(n int) adaptertest.Input {
				d := delivery(n, offence(n, ""))
				return adaptertest.Input{
					Put: func() error { return sink.Deliver(t.Context(), d) },
					Want: []adaptertest.Want{{EventRef: hub.EventRef{
						Source: eventSource, ID: auskunft.ID(d), Type: okverkehr.Type,
					}}},
				}
			},
			Bad:      []adaptertest.Input{bad("no JSON", "Zaunkönig"), bad("no event", `{"halter":{}}`)},
			SetAside: g.reports,
		}
	}})
}

// What the sink did is what was asked, and how many answers lie there.
func TestSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination {
		g := newGarage(t)
		for n := range 50 {
			if err := g.Put(withPlate(plateOf(n), free)); err != nil {
				t.Fatal(err)
			}
		}
		return adaptertest.Destination{
			Sink:  g.sink,
			Event: func(n int) hub.Event { return offence(n, "") },
			Unmappable: []hub.Event{
				offence(900, `{}`),
				offence(901, `{"fahrzeug":{"kennzeichen":"Zaunkönig"},"tat":{"am":"2026-03-02"}}`),
				offence(902, `{"fahrzeug":{"kennzeichen":"M AA1000"},"tat":{"am":"2026-03"}}`),
				offence(903, `{"fahrzeug":["M AA1000"],"tat":{"am":"2026-03-02"}}`),
			},
			Effects: func() ([]string, error) { return append(g.Asked(), g.lying(t, "in")...), nil },
			Down: func() (func() error, error) {
				g.away.Store(true)
				return func() error { g.away.Store(false); return nil }, nil
			},
		}
	}})
}

func TestSettings(t *testing.T) {
	const good = `{source: 'urn:x:', fragesteller: 'urn:y', kennzeichen: /k, stichtag: heute, register: {url: 'https://e/x', benutzerid: b, verfahren: v}}`
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	if _, err := okverkehr.Kind().Sink(env, adaptertest.Settings(good)); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"kennzeichen: /k", "kennzeichen: k", "kennzeichen"},
		{"kennzeichen: /k, ", "", "kennzeichen"},
		{"stichtag: heute", "stichtag: morgen", "stichtag"},
		{"stichtag: heute, ", "", "stichtag"},
		{"benutzerid: b, ", "", "register.benutzerid"},
		{", verfahren: v", "", "register.verfahren"},
		{"fragesteller: 'urn:y', ", "", "fragesteller"},
		{"fragesteller: 'urn:y'", "fragesteller: 'urn:y', einstufung: ''", "einstufung"},
		{"benutzerid: b", "benutzerid: b, frist: 0s", "register.frist"},
		{"https://", "http://", "register.url"},
		{"source: 'urn:x:'", "dir: ''", "dir"},
		{"source: 'urn:x:'", "poll: 0s", "poll"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if _, err := okverkehr.Kind().Sink(env, adaptertest.Settings(text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error at %s", text, err, c.want)
		}
	}
	if _, err := okverkehr.Kind().Source(env, adaptertest.Settings(`{}`)); err == nil || !strings.HasPrefix(err.Error(), "source") {
		t.Errorf("a source without a name: %v", err)
	}
}
