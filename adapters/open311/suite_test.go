package open311_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
)

// The portal in mode portal: reports come in, each becomes an event; bad ones are those
// whose id, category or status no event can have.
func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{PerKey: true, Patience: patience, New: func(t testing.TB) adaptertest.Origin {
		c := newTown(t, open311sim.Settings{})
		bad := func(name string, r open311sim.Report) adaptertest.Input {
			return adaptertest.Input{Name: name, Put: func() error { _, err := c.Put(r); return err }}
		}
		return adaptertest.Origin{
			Source: func() (hub.Source, error) { return open311.Kind().Source(c.env(), c.settings("portal", anyRate)) },
			Input: func(n int) adaptertest.Input {
				r := citizen
				r.ID = fmt.Sprintf("%d-2026", n)
				return adaptertest.Input{
					Put: func() error { _, err := c.Put(r); return err },
					Want: []adaptertest.Want{{EventRef: hub.EventRef{
						Source: portalSource, ID: open311.EventID(portalSource, r.ID, open311.TypeReceived), Type: open311.TypeReceived,
					}}},
				}
			},
			Bad: []adaptertest.Input{
				bad("an id with a slash", open311sim.Report{ID: "Zaunkoenig/1", Service: "schlagloch"}),
				bad("a category without a letter", open311sim.Report{ID: "901", Service: "?!"}),
				bad("an unknown status", open311sim.Report{ID: "902", Service: "schlagloch", Status: "Zaunkoenig"}),
			},
			SetAside: c.reports,
		}
	}})
}

// What the sink has filed is told by the source; bad is a record that is damaged.
func TestForwardSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{PerKey: true, Patience: patience, New: func(t testing.TB) adaptertest.Origin {
		c := newTown(t, open311sim.Settings{})
		s := c.settings("forward", anyRate)
		sink := c.sink(t, s)
		return adaptertest.Origin{
			Source: func() (hub.Source, error) { return open311.Kind().Source(c.env(), s) },
			Input: func(n int) adaptertest.Input {
				e := forwardEvent(n, "")
				want := []adaptertest.Want{{EventRef: hub.EventRef{Source: foreignSource, ID: "?", Type: open311.TypeConfirmed}}}
				want[0].ID = open311.ConfirmedID(foreignSource, fmt.Sprintf("vorgang-%d", n), e.ID(), fmt.Sprint(600001+n))
				return adaptertest.Input{Put: func() error { return sink.Deliver(t.Context(), deliveryOf(n, e)) }, Want: want}
			},
			Bad: []adaptertest.Input{{Name: "a damaged record", Put: func() error {
				return os.WriteFile(filepath.Join(c.dir, "o", "forwarded", "kaputt.json"), []byte("Zaunkoenig"), 0o600)
			}}},
			SetAside: c.reports,
		}
	}})
}

// Reports that are forwarded: each is filed once, whatever is repeated.
func TestForwardSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{Patience: patience, New: func(t testing.TB) adaptertest.Destination {
		c := newTown(t, open311sim.Settings{})
		s := c.settings("forward", anyRate, "visible-after: 0s")
		other := forwardEvent(905, "")
		other.SetType(open311.TypeSolved)
		return adaptertest.Destination{
			Sink:  func() (hub.Sink, error) { return open311.Kind().Sink(c.env(), s) },
			Event: func(n int) hub.Event { return forwardEvent(n, "") },
			Unmappable: []hub.Event{
				forwardEvent(900, `{}`),
				forwardEvent(901, `{"meldung":{"id":"1","kategorie":"Zaunkoenig"},"ort":{"angabe":"Nussbaumweg 12"}}`),
				forwardEvent(902, `{"meldung":{"id":"1","kategorie":"schlagloch"},"beschreibung":"Gartentor"}`),
				forwardEvent(903, `["Zaunkoenig"]`),
				other,
			},
			Effects: func() ([]string, error) {
				var out []string
				for _, p := range c.Posts() {
					out = append(out, p.Get("description"))
				}
				return out, nil
			},
			Down: func() (func() error, error) {
				c.down.Store(true)
				return func() error { c.down.Store(false); return nil }, nil
			},
		}
	}})
}

// How reports ended is written back to the portal.
func TestPortalSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{Patience: patience, New: func(t testing.TB) adaptertest.Destination {
		return writeDestination(t, "mark-a-spot")
	}})
}

func writeDestination(t testing.TB, dialect string) adaptertest.Destination {
	c := newTown(t, open311sim.Settings{Dialect: dialect})
	for n := range 30 {
		c.put(t, open311sim.Report{ID: fmt.Sprintf("%d-2026", n), Service: "licht"})
	}
	s := c.settings("portal", anyRate, "dialect: "+dialect)
	solved := func(n int, data string) hub.Event {
		e := forwardEvent(n, data)
		e.SetType(open311.TypeSolved)
		return e
	}
	return adaptertest.Destination{
		Sink: func() (hub.Sink, error) { return open311.Kind().Sink(c.env(), s) },
		Event: func(n int) hub.Event {
			return solved(n, fmt.Sprintf(`{"meldung":{"id":"%d-2026","kategorie":"licht"},"geloest":"2026-10-06T08:00:00Z","hinweis":"Repariert %d"}`, n, n))
		},
		Unmappable: []hub.Event{
			solved(900, `{}`), solved(901, `["Zaunkoenig"]`), forwardEvent(902, ""),
			solved(903, `{"meldung":{"id":"Zaunkoenig-1","kategorie":"licht"},"geloest":"2026-10-06T08:00:00Z"}`),
		},
		Effects: func() ([]string, error) {
			var out []string
			for _, r := range c.Reports() {
				if r.Status == "closed" {
					out = append(out, r.ID+" "+r.Notes)
				}
			}
			for _, a := range c.Asked() { // each attempt to write is one
				if !strings.HasPrefix(a, "GET ") {
					out = append(out, fmt.Sprintf("%s #%d", a, len(out)))
				}
			}
			return out, nil
		},
		Down: func() (func() error, error) {
			c.down.Store(true)
			return func() error { c.down.Store(false); return nil }, nil
		},
	}
}
