package akdb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/hub"
)

func TestXTASource(t *testing.T) {
	for _, mtom := range []bool{true, false} {
		t.Run(fmt.Sprintf("MTOM %v", mtom), func(t *testing.T) {
			adaptertest.Source(t, adaptertest.SourceCase{
				New: func(t testing.TB) adaptertest.Origin { return xtaOrigin(t, xtasim.Options{MTOM: mtom}) }, Goroutines: idle,
			})
		})
	}
}

func xtaOrigin(t testing.TB, opt xtasim.Options) adaptertest.Origin {
	b := newBroker(t, opt)
	settings := b.settings(registerKey, "")
	if !opt.MTOM { // also with Rückweisungen on
		settings = b.answering("")
	}
	put := func(name string, l xtasim.Letter) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error { b.Put(l); return nil }}
	}
	cipher := to("geheim")
	cipher.Encrypted = true
	other := to(application(t, 900))
	other.Attachments = []xtasim.Document{{Bytes: []byte("<!DOCTYPE a><a/>"), ContentType: "text/xml"}}
	other.Message.Bytes = []byte("<brief/>")
	return adaptertest.Origin{
		Source: func() (hub.Source, error) {
			return akdb.XTA().Source(adaptertest.Env(b.dir), settings)
		},
		Input: func(n int) adaptertest.Input {
			content, eventType, autor := mail(t, n)
			in := put("", to(content))
			in.Want = []adaptertest.Want{{EventRef: hub.EventRef{Source: "urn:de:dvdv:" + autor, ID: uuidOf(n), Type: eventType}}}
			return in
		},
		Bad: []adaptertest.Input{
			put("no XML", to("Sehr geehrte Damen und Herren")),
			put("no message, with an attachment", other),
			put("DTD", to("<!DOCTYPE a><a/>")),
			put("nothing", to("")),
			put("no container", to("PK\x03\x04")),
			put("encrypted", cipher),
			put("bad code", to(faulty(t, 901))),
		},
		SetAside: func() ([]string, error) { return reports(b.dir) },
	}
}

func TestXTASink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: xtaDestination, Goroutines: idle})
}

func xtaDestination(t testing.TB) adaptertest.Destination {
	b := newBroker(t, xtasim.Options{})
	message, original := blob("application/xml", fromPortal(3))
	return adaptertest.Destination{
		Sink: func() (hub.Sink, error) {
			return akdb.XTA().Sink(adaptertest.Env(b.dir), b.settings(portalKey, ""))
		},
		Event: func(n int) hub.Event {
			if n == 3 {
				return event(t, n, "de.xoev.nachricht.v1", map[string]any{"original": original})
			}
			return event(t, n, xmeld.TypeEingegangen, applicationData())
		},
		Unmappable: []hub.Event{
			event(t, 900, "de.meldewesen.wohnung-angemeldet.v1", map[string]string{"strasse": "Nußbaumweg"}),
			event(t, 901, xmeld.TypeEingegangen, map[string]any{"person": person()}),
			event(t, 902, "de.xoev.nachricht.v1", map[string]any{"kopf": map[string]string{"element": "fortschreibung.probe.0999"}}),
			event(t, 903, "de.xoev.nachricht.v1", map[string]any{"original": original}), // another event's original
		},
		Blobs: map[string][]byte{original.Ref: message},
		Effects: func() ([]string, error) {
			var all []string
			for _, l := range b.Sent() {
				all = append(all, l.MessageID+"\n"+string(l.Message.Bytes))
			}
			return all, nil
		},
		Down: func() (func() error, error) {
			b.down.Store(true)
			return func() error { b.down.Store(false); return nil }, nil
		},
	}
}

// fromPortal is a message without a type of its own, written by the portal.
func fromPortal(n int) string {
	return replace(generic(n), "<autor><kennung>ags:09999001</kennung>", "<autor><kennung>"+portalKey+"</kennung>")
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func replace(s, old, with string) string {
	if !strings.Contains(s, old) {
		panic("nothing to replace")
	}
	return strings.ReplaceAll(s, old, with)
}
