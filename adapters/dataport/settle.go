package dataport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// Stored implements hub.Listener.
func (s *source) Stored(context.Context, hub.EventRef) error { return nil }

// Settled implements hub.Listener. Only when every receiver has acknowledged its
// copy may the submission be accepted: the service then deletes it. All other ends
// leave it where it is, for a person.
func (s *source) Settled(ctx context.Context, end hub.Settlement) error {
	if !fit.IsUUID(end.ID) {
		return nil
	}
	if was, err := s.load(ctx, end.ID); err != nil || end.Source != was.source(s.set.Source) {
		return err
	}
	if end.Outcome != hub.Routed || end.Copies == 0 || end.Done < end.Copies {
		s.log.Info("fit-connect: an event has ended, and its submission is not accepted for it", zap.String("submission", end.ID),
			zap.String("outcome", string(end.Outcome)), zap.Int("copies", end.Copies), zap.Int("done", end.Done))
		return nil
	}
	r, err := s.change(ctx, end.ID, func(r *record) {
		if r.Step != accepted && r.Step != rejected {
			r.Step = due
		}
	})
	if err == nil && r.Step == due {
		s.nudge()
	}
	return err
}

// accept is the round's way: what was lost from memory is looked at again first.
func (s *source) accept(ctx context.Context, in hub.Intake, l client.Listed, r record) error {
	if r.Tags == "" {
		return s.take(ctx, in, l, r)
	}
	return s.sendAccept(ctx, l, r)
}

// sendAccept tells the service that it can give the submission up.
func (s *source) sendAccept(ctx context.Context, l client.Listed, r record) error {
	s.ack.Lock()
	defer s.ack.Unlock()
	v, err := s.verdict(ctx, l.Submission, l.Case)
	if err != nil {
		return err
	}
	if v.end != nil && v.end.Event != fit.AcceptSubmission {
		return s.ended(ctx, l.Submission)
	}
	if v.end == nil {
		if v.submit == nil || v.submit.Payload.Tags == nil {
			return errNoSubmit
		}
		if v.submit.Payload.Tags.Digest() != r.Tags {
			return errors.New("the event log does not say any more what it said when the submission was fetched")
		}
		if err := s.say(ctx, l, v, fit.AcceptSubmission, fit.Payload{Tags: v.submit.Payload.Tags}); err != nil {
			return err
		}
	}
	if _, err := s.change(ctx, l.Submission, func(r *record) { r.Step = accepted }); err != nil {
		return err
	}
	if r.Step != accepted {
		s.log.Info("fit-connect: submission accepted", zap.String("submission", l.Submission))
	}
	if err := os.Remove(filepath.Join(s.approve, l.Submission)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("take away the approval: %w", err)
	}
	return nil
}

// forward tells the service that the submission is on its way to its application.
func (s *source) forward(ctx context.Context, l client.Listed, _ record) error {
	s.ack.Lock()
	defer s.ack.Unlock()
	v, err := s.verdict(ctx, l.Submission, l.Case)
	if err != nil {
		return err
	}
	if v.end == nil {
		if err := s.say(ctx, l, v, fit.ForwardSubmission, fit.Payload{}); err != nil {
			return err
		}
	}
	_, err = s.change(ctx, l.Submission, func(r *record) { r.Forwarded = true })
	return err
}

// refuse sets a submission aside, and rejects it where that is the sender's to
// mend and so set.
func (s *source) refuse(ctx context.Context, o *opened, why *refusal) error {
	l, next := o.Listed, aside
	was, err := s.load(ctx, l.Submission)
	if err != nil {
		return fromHub{err}
	}
	if was.Step == due { // an application has it: it is never given back
		return fmt.Errorf("an application has acknowledged it, and what is there now is refused: %w", why)
	}
	if why.Problem != "" && s.set.Zurueckweisen && !was.withHub() {
		next = rejecting
	}
	if next == aside { // the report first: it is what keeps a submission aside
		if err := s.report(l.Submission, l.Case, why); err != nil {
			return err
		}
	}
	r, err := s.change(ctx, l.Submission, func(r *record) {
		if r.Step == due { // was settled meanwhile
			return
		}
		r.Step, r.Case, r.Refusal = next, l.Case, why
		switch {
		case o.submit != nil:
			r.At = o.submit.IssuedAt
		case r.At.IsZero():
			r.At = now()
		}
	})
	if err != nil {
		return fromHub{err}
	}
	s.log.Warn("fit-connect: submission set aside", zap.String("submission", l.Submission), zap.String("code", why.Code), zap.Bool("rejected", next == rejecting))
	if r.Step == rejecting {
		return s.reject(ctx, l, r)
	}
	return nil
}

// reject reports the submission here and tells the service that it is rejected.
func (s *source) reject(ctx context.Context, l client.Listed, r record) error {
	if r.Refusal == nil { // the service's own doing, see ended
		return nil
	}
	if is, err := s.isAside(l.Submission); err != nil {
		return err
	} else if !is && r.Step == rejecting {
		if err := s.report(l.Submission, l.Case, r.Refusal); err != nil {
			return err
		}
	}
	s.ack.Lock()
	defer s.ack.Unlock()
	v, err := s.verdict(ctx, l.Submission, l.Case)
	if err != nil {
		return err
	}
	if v.end == nil {
		if err := s.say(ctx, l, v, fit.RejectSubmission, fit.Payload{Problems: []fit.Problem{s.problem(r.Refusal)}}); err != nil {
			return err
		}
	}
	_, err = s.change(ctx, l.Submission, func(r *record) { r.Step = rejected })
	return err
}
