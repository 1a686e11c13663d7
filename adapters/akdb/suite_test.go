package akdb_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: newOrigin})
}

func newOrigin(t testing.TB) adaptertest.Origin {
	dir := t.TempDir()
	kinds := []struct {
		write            func(testing.TB, int) string
		eventType, autor string
	}{
		{application, xmeld.TypeEingegangen, portalKey},
		{accepted, xmeld.TypeAngenommen, registerKey},
		{refused, xmeld.TypeZurueckgewiesen, registerKey},
		{func(_ testing.TB, n int) string { return generic(n) }, "de.xoev.nachricht.v1", "ags:09999001"},
	}
	bad := func(name, content string) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error { return put(dir, name, content) }}
	}
	return adaptertest.Origin{
		Source: func() (hub.Source, error) {
			return akdb.Kind().Source(adaptertest.Env(dir), adaptertest.Settings(settings))
		},
		Input: func(n int) adaptertest.Input {
			kind := kinds[n%len(kinds)]
			return adaptertest.Input{
				Put: func() error { return put(dir, fmt.Sprintf("%06d.xml", n), kind.write(t, n)) },
				Want: []adaptertest.Want{{EventRef: hub.EventRef{
					Source: "urn:de:dvdv:" + kind.autor, ID: uuidOf(n), Type: kind.eventType,
				}}},
			}
		},
		Bad: []adaptertest.Input{
			bad("no-xml.xml", "Sehr geehrte Damen und Herren"),
			bad("no-message.xml", "<brief/>"),
			bad("no-container.zip", "PK\x03\x04"),
			bad("doctype.XML", "<!DOCTYPE a><a/>"),
		},
		SetAside: func() ([]string, error) { return reports(dir) },
	}
}

func TestSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: newDestination})
}

func newDestination(t testing.TB) adaptertest.Destination {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	pdf, confirmation := blob("application/pdf", "%PDF-1.4 Probe")
	message, original := blob("application/xml", application(t, 3))
	return adaptertest.Destination{
		Sink: func() (hub.Sink, error) {
			return akdb.Kind().Sink(adaptertest.Env(dir), adaptertest.Settings(settings))
		},
		Event: func(n int) hub.Event {
			switch n % 4 {
			case 1:
				return event(t, n, xmeld.TypeAngenommen, xmeld.Angenommen{
					Aktenzeichen: "EWO-1", Person: person(), Anschrift: dwelling(), Anmeldung: "2026-03-02", Wohnungsstatus: "0",
					Ursprung: origin(), Meldebestaetigung: confirmation,
				})
			case 2:
				p := person()
				return event(t, n, xmeld.TypeZurueckgewiesen, xmeld.Zurueckgewiesen{
					Aktenzeichen: "EWO-2", Grund: xmeld.Grund{Code: "02"}, Person: &p, Ursprung: origin(),
				})
			case 3:
				d := applicationData()
				if d.Original = original; n != 3 {
					d.Original = nil
				}
				return event(t, n, xmeld.TypeEingegangen, d)
			}
			return event(t, n, xmeld.TypeEingegangen, applicationData())
		},
		Unmappable: []hub.Event{
			event(t, 900, "de.meldewesen.wohnung-angemeldet.v1", map[string]string{"strasse": "Nußbaumweg"}),
			event(t, 901, xmeld.TypeEingegangen, map[string]any{"person": person()}),
			event(t, 902, xmeld.TypeAngenommen, []string{"Zaunkönig"}),
			event(t, 903, xmeld.TypeZurueckgewiesen, map[string]string{"aktenzeichen": "EWO-903"}),
		},
		Blobs: map[string][]byte{confirmation.Ref: pdf, original.Ref: message},
		Effects: func() ([]string, error) {
			files, err := filepath.Glob(filepath.Join(out, "*"))
			for i, f := range files {
				content, err := os.ReadFile(f)
				if err != nil {
					return nil, err
				}
				files[i] = filepath.Base(f) + "\n" + string(content)
			}
			return files, err
		},
		Down: func() (func() error, error) {
			if err := os.Rename(out, out+"-away"); err != nil {
				return nil, err
			}
			return func() error { return os.Rename(out+"-away", out) }, nil
		},
	}
}

func event(t testing.TB, n int, eventType string, data any) hub.Event {
	t.Helper()
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	e := cloudevents.New()
	e.SetID(uuidOf(n))
	e.SetSource("urn:de:dvdv:" + registerKey)
	e.SetType(eventType)
	e.SetTime(created)
	e.SetExtension("correlationid", uuidOf(n))
	e.SetExtension("ags", "09162000")
	if err := e.SetData("application/json", raw); err != nil {
		t.Fatal(err)
	}
	return e
}

func blob(mediaType, content string) ([]byte, *xoev.Original) {
	sum := sha256.Sum256([]byte(content))
	return []byte(content), &xoev.Original{
		Ref: "blob:" + base64.RawURLEncoding.EncodeToString(sum[:]), SHA256: hex.EncodeToString(sum[:]),
		Size: int64(len(content)), MediaType: mediaType,
	}
}
