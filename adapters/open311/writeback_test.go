package open311_test

import (
	"testing"

	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/hub"
)

// Reports are closed as each dialect has it, solved or not; what was opened again since
// stays open when a delivery is repeated, and a report that the portal lacks is refused.
func TestWriteBack(t *testing.T) {
	for _, dialect := range []string{"mark-a-spot", "klarschiff", "fixmystreet"} {
		t.Run(dialect, func(t *testing.T) {
			c := newTown(t, open311sim.Settings{Dialect: dialect})
			for _, id := range []string{"1", "2"} {
				c.put(t, open311sim.Report{ID: id, Service: "licht"})
			}
			s := c.settings("portal", anyRate, "dialect: "+dialect)
			solved := forwardEvent(1, `{"meldung":{"id":"1","kategorie":"licht"},"geloest":"2026-10-06T08:00:00Z","hinweis":"Repariert."}`)
			solved.SetType(open311.TypeSolved)
			rejected := forwardEvent(2, `{"meldung":{"id":"2","kategorie":"licht"},"grund":"doppelt","geschlossen":"2026-10-06T08:00:00Z"}`)
			rejected.SetType(open311.TypeRejected)
			sink := c.sink(t, s)
			for n, e := range []hub.Event{solved, rejected} {
				if err := sink.Deliver(t.Context(), deliveryOf(n, e)); err != nil {
					t.Fatal(err)
				}
			}
			all := c.Reports()
			if all[0].Status != "closed" || all[1].Status != "closed" || dialect == "klarschiff" && (all[0].Detail != "PROCESSED" || all[1].Detail != "REJECTED") {
				t.Errorf("%+v", all)
			}
			if told := all[0].Notes == "Repariert." || len(c.Updates()) == 2 && c.Updates()[0].Description == "Repariert."; !told {
				t.Error("the note was not written")
			}
			c.put(t, open311sim.Report{ID: "1", Status: "open"})
			if err := c.sink(t, s).Deliver(t.Context(), deliveryOf(0, solved)); err != nil || c.Reports()[0].Status != "open" {
				t.Error("a repetition has closed what was opened again", err)
			}
			gone := forwardEvent(3, `{"meldung":{"id":"3","kategorie":"licht"},"geloest":"2026-10-06T08:00:00Z"}`)
			gone.SetType(open311.TypeSolved)
			if f := hub.FaultOf(sink.Deliver(t.Context(), deliveryOf(3, gone))); f == nil || f.Code != "report-unknown" || !f.Permanent {
				t.Error(f)
			}
		})
	}
}
