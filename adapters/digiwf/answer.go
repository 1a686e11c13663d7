package digiwf

import (
	"context"
	"errors"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/hub"
)

// answer brings an event to the processes that asked for it: those that asked for the
// same event get the same answer.
func (s *sink) answer(ctx context.Context, d hub.Delivery) error {
	by := deliveryKey(d)
	cause := attribute(d.Event, hub.AttrCausationID)
	if cause == "" {
		var err error
		if cause, err = s.onlyOne(ctx, d.Event, by); err != nil || cause == "" {
			return err
		}
	}
	open, err := s.openFor(cause, by)
	for err == nil && len(open) > 0 {
		if err = s.answerEach(ctx, d, open, by); err == nil {
			open, err = s.desk.openOf(cause) // asked again meanwhile
		}
	}
	return err
}

func (s *sink) answerEach(ctx context.Context, d hub.Delivery, open []*opened, by string) error {
	heard := false
	for _, o := range open {
		switch err := s.answerOne(ctx, d.Event, o, by); {
		case errors.Is(err, post.ErrOther):
		case errors.Is(err, post.ErrUnderWay):
			return underWay()
		case err != nil:
			return err
		default:
			heard = true
		}
	}
	if heard && attribute(d.Event, hub.AttrCausationID) == "" {
		if err := s.desk.box.Note(fallbackKey(by)); err != nil {
			return err
		}
	}
	for _, o := range open {
		if err := s.desk.forget(o); err != nil {
			return err
		}
	}
	if !heard {
		return errAnswered()
	}
	return nil
}

func (s *sink) answerOne(ctx context.Context, e hub.Event, o *opened, by string) error {
	rule := s.set.answerRule(o.Type, e.Type())
	if rule == nil || o.Reply != replyEvent {
		return hub.Permanent(codeNoRequest, "the request that it names is not answered by events of this type")
	}
	l, err := s.set.answerLetter(e, o, rule)
	if err != nil {
		return err
	}
	return s.desk.box.Once(ctx, o.key(), by, l)
}

// underWay says that nothing was tried: another message has been begun.
func underWay() error {
	return &hub.Fault{Code: "under-way", Later: true, After: 10 * time.Second, Err: post.ErrUnderWay}
}

// fallbackKey remembers an answer that named no request: when it comes again there is
// none any more that it could be of.
func fallbackKey(by string) string { return "fallback|" + by }

func errAnswered() error {
	return hub.Permanent(codeAnswered, "the request was answered already, or its time was over")
}

// openFor finds the requests that an event answers. It gives none and no error when
// this very event was handed over already.
func (s *sink) openFor(cause, by string) ([]*opened, error) {
	open, err := s.desk.openOf(cause)
	if err != nil || len(open) > 0 {
		return open, err
	}
	k, err := s.desk.knownOf(cause)
	if err != nil {
		return nil, err
	}
	if len(k.Asked) == 0 {
		return nil, hub.Permanent(codeNoRequest, "no request is known by the event's causationid")
	}
	for _, mark := range k.Asked {
		who, done, err := s.desk.box.By(answerKey(cause, mark))
		switch {
		case err != nil:
			return nil, err
		case who == by && done:
			return nil, nil
		case who == by:
			return nil, underWay() // it may have arrived: the source looks for it
		}
	}
	return nil, errAnswered()
}

// mayBeLate holds for an event that could be the answer to a request whose time was
// over.
func (s *sink) mayBeLate(correlation string) error {
	_, late, err := s.desk.box.By(lateKey(correlation))
	if err != nil || !late {
		return err
	}
	return hub.Permanent(codeAmbiguous, "a request with the event's correlationid had no answer in time, and the event gives no causationid")
}

// onlyOne is for applications that give no causationid.
func (s *sink) onlyOne(ctx context.Context, e hub.Event, by string) (cause string, err error) {
	correlation := attribute(e, hub.AttrCorrelationID)
	if correlation == "" {
		return "", hub.Permanent(codeNoRequest, "the event has neither causationid nor correlationid")
	}
	if _, done, err := s.desk.box.By(fallbackKey(by)); err != nil || done {
		return "", err
	}
	if err := s.mayBeLate(correlation); err != nil {
		return "", err
	}
	begun, fits, several := "", "", false
	err = s.desk.each(ctx, func(o *opened) error {
		if o.Correlation != correlation || s.set.answerRule(o.Type, e.Type()) == nil {
			return nil
		}
		who, _, err := s.desk.box.By(o.key())
		if who == by {
			begun = o.ID // it had begun to answer this one
		}
		several = several || fits != "" && fits != o.ID
		fits = o.ID
		return err
	})
	switch {
	case err != nil || begun != "":
		return begun, err
	case fits == "":
		return "", hub.Permanent(codeNoRequest, "no open request has the event's correlationid")
	case several:
		return "", hub.Permanent(codeAmbiguous, "several open requests have the event's correlationid, and it gives no causationid")
	}
	return fits, nil
}

func attribute(e hub.Event, name string) string {
	value, _ := e.Extensions()[name].(string)
	return value
}
