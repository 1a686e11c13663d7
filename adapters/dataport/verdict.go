package dataport

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
)

// verdict is what a case's event log says of a submission.
type verdict struct {
	submit *fit.SET // by the service; nil: none
	end    *fit.SET // accept, reject or delete; nil: none
	set    map[string]bool
}

var errNoSubmit = errors.New("the event log has no valid submit-submission of the service")

// verdict reads the event log. Tokens that do not verify count for nothing.
func (s *source) verdict(ctx context.Context, submission, theCase string) (*verdict, error) {
	log, err := s.api.Events(ctx, theCase)
	if err != nil {
		return nil, err
	}
	v, bad := &verdict{set: map[string]bool{}}, 0
	for _, compact := range log {
		one, err := fit.VerifySET(ctx, compact, s)
		switch {
		case errors.Is(err, fit.ErrSET):
			bad++
			continue
		case err != nil:
			return nil, err
		}
		if one.Subject == fit.Submission(submission) && one.Case == theCase {
			if err := v.add(one, strings.EqualFold(one.Issuer, s.set.Zustellpunkt)); err != nil {
				return nil, err
			}
		}
	}
	if bad > 0 {
		s.log.Warn("fit-connect: the event log has tokens that are not valid; they are not believed", zap.String("case", theCase), zap.Int("count", bad))
	}
	return v, nil
}

// add takes what the issuer may say: the service that a submission was made and
// what it has ended itself, the destination all else.
func (v *verdict) add(one *fit.SET, destination bool) error {
	switch one.Event {
	case fit.SubmitSubmission:
		if destination {
			return nil
		}
		if v.submit != nil && (one.Payload.Tags == nil || v.submit.Payload.Tags == nil || one.Payload.Tags.Digest() != v.submit.Payload.Tags.Digest()) {
			return errors.New("the event log says two different things about what was submitted")
		}
		v.submit = one
	case fit.AcceptSubmission, fit.ForwardSubmission:
		if !destination {
			return nil
		}
	case fit.DeleteSubmission:
		if destination {
			return nil
		}
	}
	switch one.Event {
	case fit.AcceptSubmission, fit.RejectSubmission:
		v.end = one
	case fit.DeleteSubmission:
		if v.end == nil {
			v.end = one
		}
	}
	v.set[one.Event] = true
	return nil
}

// say adds a SET of ours to the event log, unless it is there: an earlier try may
// have arrived whose answer was lost.
func (s *source) say(ctx context.Context, l client.Listed, v *verdict, event string, payload fit.Payload) error {
	if v.set[event] {
		return nil
	}
	schema := fit.DefaultSetSchema
	if v.submit != nil && v.submit.Schema != "" {
		schema = v.submit.Schema
	}
	if payload.Tags == nil && payload.Problems == nil {
		schema = "" // an event without payload goes without
	}
	compact, err := fit.SET{
		Schema: schema, Issuer: s.set.Zustellpunkt, Subject: fit.Submission(l.Submission), Case: l.Case, Event: event, Payload: payload,
	}.Sign(s.sign)
	if err != nil {
		return err
	}
	if err := s.api.Post(ctx, l.Case, compact); err != nil {
		return fmt.Errorf("%s: %w", event, err)
	}
	return nil
}
