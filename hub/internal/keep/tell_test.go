package keep

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// TestDelivered: where the agreement asks for it, the sender hears that a copy
// was handed over, at once and once, by an event that its schema accepts; of a
// refused one, and under agreements that do not ask, it hears nothing.
func TestDelivered(t *testing.T) {
	w := newWorld(t, confirming)
	w.begin(script(func(d hub.Delivery) error {
		if d.Event.ID() == "e2" {
			return hub.Permanent("unwanted", "this one is refused")
		}
		return nil
	}))
	k := w.keeper(nil)
	handed := make(chan struct{}, 1)
	k.Handed = handed
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx, -1) }() // it removes nothing
	long := strings.Repeat(" ", 8<<10)      // which a mailbox does not keep in hand
	w.publish(ding(1, "k"), ding(2, "k"))
	w.publish(event.Message{Subject: ding(3, "k").Subject, Header: ding(3, "k").Header, Data: []byte(`{"n":3` + long + `}`)})
	const receipts = "out.alpha.post.de.amtsbote.ereignis-zugestellt.v1"
	w.await("the outcomes", func() bool { return len(w.outcomes()["IN_alpha-3-beta.one"]) == 1 })
	handed <- struct{}{}
	w.await("the receipts", func() bool { return w.messages(bus.Out, receipts) >= 2 })
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	w.run(w.keeper(nil)) // a later process tells nobody again
	page, err := w.bus.Page(t.Context(), bus.Out, receipts, 0, 10)
	if err != nil || len(page) != 2 {
		t.Fatalf("%d receipts, %v; want 2", len(page), err)
	}
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, _ := registry.Lookup("de.amtsbote.ereignis-zugestellt.v1")
	for i, id := range []string{"e1", "e3"} {
		var doc struct {
			Event    struct{ ID string } `json:"ereignis"`
			Receiver struct {
				Application string `json:"fachverfahren"`
				Agreement   string `json:"regel"`
			} `json:"empfaenger"`
			At time.Time `json:"zugestellt"`
		}
		if err := json.Unmarshal(page[i].Data, &doc); err != nil || doc.Event.ID != id || doc.Receiver.Application != "beta.one" || doc.Receiver.Agreement != "ding-eins" || doc.At.IsZero() {
			t.Errorf("receipt %d is %s, %v", i, page[i].Data, err)
		}
		if page[i].Get("ce-causationid") != id {
			t.Errorf("receipt %d is about %q", i, page[i].Get("ce-causationid"))
		}
		if !schema.Accepts(page[i].Data) {
			t.Errorf("receipt %d is not valid: %s", i, page[i].Data)
		}
	}
}
