package open311

import (
	"context"
	"encoding/json"
	"errors"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub"
)

// Events of a change are remembered together with the state that they tell, before the
// hub gets them: were the source stopped between the two, and the report changed again
// before it runs, the first change would be told a second time within the next.

// owe writes events for the memory.
func owe(events []hub.Event) (owed []json.RawMessage, err error) {
	for _, e := range events {
		raw, err := json.Marshal(e)
		if err != nil {
			return nil, errors.New("write an event: it has no JSON")
		}
		owed = append(owed, raw)
	}
	return owed, nil
}

// settle gives the hub what the memory holds for it.
func (r *run) settle(ctx context.Context, id string, owed []json.RawMessage) error {
	for _, raw := range owed {
		e := cloudevents.New()
		if json.Unmarshal(raw, &e) != nil {
			return errDamaged
		}
		if err := r.publish(ctx, id, e); err != nil {
			return err
		}
	}
	return nil
}
