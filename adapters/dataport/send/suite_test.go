package send_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
	"github.com/amtsbote/amtsbote/hub"
)

func TestSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{
		New: func(t testing.TB) adaptertest.Destination {
			s := newService(t)
			b, _ := stored()
			return adaptertest.Destination{
				Sink:  func() (hub.Sink, error) { return send.Kind().Sink(s.env(), s.settings("")) },
				Event: dog,
				Unmappable: []hub.Event{
					event("de.stadt.unbekannt.v1", "a", map[string]any{"name": "Mustermann"}),
					event(dogType, "b", map[string]any{"antrag": map[string]any{"leistung": "Mustermann"}, "hund": map[string]any{}}),
					event(dogType, "c", map[string]any{"antrag": map[string]any{"leistung": leika}}),
					event(dogType, "d", map[string]any{"antrag": map[string]any{"leistung": leika}, "hund": "x", "anlagen": "Mustermann"}),
					event("de.antrag.eingereicht.v1", "e", map[string]any{"antrag": map[string]any{"leistung": leika}}),
					{},
				},
				Blobs: b,
				Effects: func() ([]string, error) {
					var all []string
					for _, id := range s.Waiting(receiver) {
						_, data, attachments := s.received(t, id, keys()[0])
						all = append(all, data+strings.Join(attachments, ""))
					}
					return all, nil
				},
				Down: func() (func() error, error) {
					s.wrap(func(http.Handler) http.Handler {
						return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
					})
					return func() error { s.wrap(nil); return nil }, nil
				},
			}
		},
		Goroutines: idle,
	})
}

func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: followed, PerKey: true, Goroutines: idle})
}

// followed is an outbox whose submissions are accepted: each becomes two events,
// whose ids are known when it was put.
func followed(t testing.TB) adaptertest.Origin {
	s := newService(t, func(o *fitsim.Options) { o.Quiet = true })
	sink := s.sink(t, "")
	wanted := map[int][]adaptertest.Want{}
	put := func(n int, want []adaptertest.Want) error {
		before := map[string]bool{}
		for _, id := range s.Waiting(receiver) {
			before[id] = true
		}
		// the record appears whole, so that the source does not see it half way
		if err := sink.Deliver(t.Context(), delivery(fmt.Sprintf("id-%d", n), dog(n))); err != nil {
			return err
		}
		for _, id := range s.Waiting(receiver) {
			if before[id] {
				continue
			}
			if err := s.Receiver(id, fit.AcceptSubmission, nil, keys()[1]); err != nil {
				return err
			}
			for i, set := range s.SETs(id) {
				want[i].ID = eventID(id, set)
			}
		}
		return nil
	}
	return adaptertest.Origin{
		Source: func() (hub.Source, error) { return send.Kind().Source(s.env(), s.settings("")) },
		Input: func(n int) adaptertest.Input {
			want := wanted[n]
			if want == nil {
				want = make([]adaptertest.Want, 2)
				wanted[n] = want
			}
			for i, typ := range []string{"stand-gemeldet", "zugestellt"} {
				if want[i].ID != "" {
					continue
				}
				want[i].EventRef = hub.EventRef{Source: source, ID: fmt.Sprint(n, i), Type: "de.nachricht." + typ + ".v1"}
			}
			return adaptertest.Input{Want: want, Put: func() error { return put(n, want) }}
		},
		Bad: []adaptertest.Input{{Name: "a damaged record", Put: func() error {
			return os.WriteFile(filepath.Join(s.dir, "fit", "out", "kaputt.json"), []byte(`{"state":`), 0o600)
		}}},
		SetAside: func() ([]string, error) {
			files, err := filepath.Glob(filepath.Join(s.dir, "fit", "error", "*.fehler.json"))
			var all []string
			for _, f := range files {
				raw, err := os.ReadFile(f)
				if err != nil {
					return nil, err
				}
				all = append(all, string(raw))
			}
			return all, err
		},
	}
}

var names = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/amtsbote/amtsbote/adapters/dataport/send"))

func eventID(submission string, set *fit.SET) string {
	return uuid.NewSHA1(names, []byte(source+"\n"+submission+"\n"+set.Issuer+"\n"+set.Event+"\n"+set.ID)).String()
}
