package hub

import (
	"context"
	"io"
)

// Sink hands events to a foreign system.
type Sink interface {
	// Deliver hands one event over and returns nil only when the foreign system
	// has it durably. Hand-over is at least once: the same Delivery.ID may come
	// again (Attempt > 1, or after a crash with Attempt 1), and a second call
	// must have no second effect. Deliver is called from one goroutine per key;
	// events of different keys may come concurrently. A Permanent Fault sends
	// the copy to quarantine, any other error makes the hub try again later
	// while later events of the same key wait. When that lasts too long the key
	// is parked, and a steward has its events handed over later, in order.
	Deliver(ctx context.Context, d Delivery) error
}

// Delivery is one attempt to hand one event to one receiver.
type Delivery struct {
	// ID is stable over all attempts of this copy, [A-Za-z0-9._-]{1,200}. A replay brings
	// the same event as another copy with another ID, marked by AttrReplay.
	ID string
	// Attempt counts from 1 as far as the hub remembers; more than 1 marks a
	// possible redelivery.
	Attempt int
	// Agreement is the id of the agreement (Übermittlungsregel) under which the
	// receiver gets the event.
	Agreement string
	// Event is what the receiver may know: fields not disclosed are gone.
	Event Event
	// Blobs opens the blobs whose references stand in Event's data, no others.
	Blobs interface {
		Open(ctx context.Context, ref string) (io.ReadCloser, error)
	}
}

// Worker is a Sink that also works between deliveries, for example to hand over
// together what several of them brought.
type Worker interface {
	// Work runs beside Deliver until ctx ends and then returns nil. It returns an
	// error only when it cannot go on; the hub then starts it again after a delay.
	// What a delivery left for it must be durable when Deliver returns nil: Work may
	// end at any point, and a new Sink's Work goes on from there. A Sink is made
	// before the one that it replaces has stopped, and put to work after that.
	Work(ctx context.Context) error
}
