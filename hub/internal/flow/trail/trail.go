// Package trail is the sixth stage, though the first to write: it turns
// decisions and outcomes into the messages of the stream TRAIL and back. No
// payload and no value of a data condition enters a record.
package trail

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Decisions encodes decisions, in their order, each by itself.
func Decisions(ds []*decision.Decision) ([]event.Message, error) {
	out := make([]event.Message, 0, len(ds))
	for _, d := range ds {
		data, err := d.AppendJSON(nil)
		if err != nil {
			return nil, fmt.Errorf("encode the record of %s %d: %w", d.In, d.Seq, err)
		}
		out = append(out, event.Message{Subject: d.Subject(), Data: data})
	}
	return out, nil
}

// Delivery encodes an outcome.
func Delivery(d *decision.Delivery) (event.Message, error) { return encode(d.Subject(), d) }

// Act encodes what a person had the hub do.
func Act(a *decision.Act) (event.Message, error) { return encode(a.Subject(), a) }

// Replayed encodes what a replay decided about one event.
func Replayed(r *decision.Replayed) (event.Message, error) { return encode(r.Subject(), r) }

// Removal encodes what a run is about to remove.
func Removal(r *decision.Removal) (event.Message, error) { return encode(r.Subject(), r) }

// Damage encodes what a stream had lost.
func Damage(d *decision.Damage) (event.Message, error) { return encode(d.Subject(), d) }

// DoorRefusal encodes what was refused at a door.
func DoorRefusal(d *decision.DoorRefusal) (event.Message, error) { return encode(d.Subject(), d) }

func encode(subject string, record any) (event.Message, error) {
	data, err := json.Marshal(record)
	if err != nil {
		return event.Message{}, fmt.Errorf("encode the record for %s: %w", subject, err)
	}
	return event.Message{Subject: subject, Data: data}, nil
}

// ReadDelivery decodes what Delivery made.
func ReadDelivery(m *event.Message) (*decision.Delivery, error) { return read[decision.Delivery](m) }

// ReadAct decodes what Act made.
func ReadAct(m *event.Message) (*decision.Act, error) { return read[decision.Act](m) }

// ReadReplayed decodes what Replayed made.
func ReadReplayed(m *event.Message) (*decision.Replayed, error) { return read[decision.Replayed](m) }

// ReadRemoval decodes what Removal made.
func ReadRemoval(m *event.Message) (*decision.Removal, error) { return read[decision.Removal](m) }

// ReadDoorRefusal decodes what DoorRefusal made.
func ReadDoorRefusal(m *event.Message) (*decision.DoorRefusal, error) {
	return read[decision.DoorRefusal](m)
}

func read[T any](m *event.Message) (*T, error) {
	var v T
	if err := json.Unmarshal(m.Data, &v); err != nil {
		return nil, fmt.Errorf("read the trail record %d at %s: %w", m.Seq, m.Subject, err)
	}
	return &v, nil
}

// Store reads TRAIL: bus.Bus.
type Store interface {
	Last(ctx context.Context, stream, subject string) (*event.Message, error)
	Often(ctx context.Context, stream string, from uint64, filters []string, fn func(*event.Message) error) error
}

// Reached is the last sequence of in stream in that is decided. at is its cursor
// in the stream: records may stand behind that without one.
func Reached(ctx context.Context, s Store, stream, in string, at decision.Cursor) (uint64, error) {
	subject := "trail.decision." + in + ".>"
	last, err := s.Last(ctx, stream, subject)
	if err != nil || last == nil {
		return at.Seq, err
	}
	ds, err := ReadDecisions(last)
	if err != nil {
		return 0, err
	}
	reached, sure := at.Seq, false
	for _, d := range ds {
		reached = max(reached, d.Seq)
		sure = d.Outcome != hub.Parked && !d.Code.ByPerson() // others may be about an earlier event
	}
	if sure {
		return reached, nil
	}
	err = s.Often(ctx, stream, at.Trail+1, []string{subject}, func(m *event.Message) error {
		ds, err := ReadDecisions(m)
		for _, d := range ds {
			reached = max(reached, d.Seq)
		}
		return err
	})
	return reached, err
}
