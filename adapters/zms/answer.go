package zms

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

const answerEnding = ".json"

// reply is what the sink leaves for the source: an event, or what it saw in ZMS after
// it carried out an order. That goes the way of everything seen, so that each fact is
// told once, whether the sink or the poll was first.
type reply struct {
	Event json.RawMessage `json:"ereignis,omitempty"`
	Seen  *Observation    `json:"gesehen,omitempty"`
	Cause string          `json:"anlass,omitempty"` // id of the order
}

// takeAnswer publishes what the sink has left.
func (r *run) takeAnswer(ctx context.Context, f dropfolder.File) error {
	raw, err := f.Bytes()
	if err != nil {
		return err
	}
	a, err := readReply(raw)
	if err != nil {
		return err
	}
	if a.Seen == nil {
		e, err := readEvent(a.Event)
		if err != nil {
			return hub.Permanent("unlesbar", "the file is no answer of the sink")
		}
		if err := r.in.Publish(ctx, e); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var step record
	if err := r.see(&step, *a.Seen, a.Cause); err != nil {
		return err
	}
	return r.carryOut(ctx, step)
}

func readReply(raw []byte) (reply, error) {
	var a reply
	if json.Unmarshal(raw, &a) != nil || (a.Seen == nil) == (len(a.Event) == 0) || a.Seen != nil && !numberForm.MatchString(a.Seen.Process) {
		return a, hub.Permanent("unlesbar", "the file is no answer of the sink")
	}
	return a, nil
}
