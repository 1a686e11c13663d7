package digiwf

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// Settled implements hub.Listener: it writes down what the processes are to be told.
func (s *source) Settled(ctx context.Context, end hub.Settlement) error {
	if end.Source != s.set.Source || !idForm.MatchString(end.ID) {
		return nil
	}
	leave, err := s.desk.hold(ctx, end.ID)
	if err != nil {
		return err
	}
	defer leave()
	k, err := s.desk.knownOf(end.ID)
	if err != nil || len(k.Asked) == 0 {
		return err
	}
	open, err := s.desk.openOf(end.ID)
	if errors.Is(err, disk.ErrDamaged) { // another try would hold up all that comes after
		s.log.Error("digiwf: a process cannot be told what became of its event", zap.String("event", end.ID), zap.Error(err))
	} else if err != nil {
		return err
	}
	concerned, now := k.concerned(open, end)
	for _, o := range concerned {
		if err := s.tell(o, k, now, end); err != nil {
			return err
		}
	}
	return s.desk.noteFate(end.ID, k, end)
}

// tell closes a request with what became of its event. One whose answer is under way
// is left to that.
func (s *source) tell(o *opened, k *known, now *fate, end hub.Settlement) error {
	underWay, err := s.desk.box.UnderWay(o.key(), bySource)
	if err != nil || underWay {
		return err
	}
	switch {
	case now.refused():
		err = s.desk.oweError(o.key(), o.to(), s.set.Integration.ErrorCode,
			fmt.Sprintf("the event was refused: %s", cmp.Or(now.Code, string(now.Outcome))))
	case now.Outcome == hub.Routed && o.Reply == replyDelivered:
		err = s.desk.oweAnswer(o.key(), o.to(), now.delivered(o.ID))
	case now.Outcome == hub.Routed && end.Outcome == hub.Suppressed:
		answered, err := s.desk.answeredByEvent(o.ID, k)
		if err != nil || !answered {
			return err
		}
		if err := s.desk.oweIncident(o.key(), o.to(), "the same event was published before and has had its answer"); err != nil {
			return err
		}
	default:
		return nil
	}
	if err != nil {
		return err
	}
	s.nudge()
	return s.desk.forget(o)
}

func (f *fate) delivered(id string) map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"eventId": wire.Variable(id),
		"copies":  json.RawMessage(fmt.Sprint(f.Copies)), "done": json.RawMessage(fmt.Sprint(f.Done)),
	}
}
