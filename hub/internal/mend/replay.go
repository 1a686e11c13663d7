package mend

import (
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// replayed takes in that a replay brought a copy of an event that is looked for.
func replayed(msg *event.Message, out map[decision.Ref]*record) error {
	d, err := trail.ReadReplayed(msg)
	if err != nil {
		return err
	}
	if r := out[d.Place()]; r != nil && d.Receiver != nil {
		r.replayed = append(r.replayed, d)
	}
	return nil
}

// replays are the copies that replays brought of an event; nil when it could not be read.
func (r *record) replays(e *event.Event, sender *send.Sender) (out []event.Message) {
	for _, d := range r.replayed {
		if e == nil {
			break
		}
		if made, err := sender.Replay(d, e); err == nil {
			out = append(out, made)
		}
	}
	return out
}
