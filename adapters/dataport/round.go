package dataport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// try is when a submission that failed is taken up again.
type try struct {
	failures int
	next     time.Time
}

// fromHub marks an error of the hub: the next submission would fare no better.
type fromHub struct{ error }

func (f fromHub) Unwrap() error { return f.error }

// ends says whether an error ends the round: the hub is away, the client is not
// let in, or the service asks to wait.
func ends(err error) bool {
	if _, hubs := errors.AsType[fromHub](err); hubs {
		return true
	}
	e, ok := errors.AsType[*client.Error](err)
	return ok && (e.Class == client.Login || e.Class == client.Unlinked || e.After > 0)
}

// round reads the whole list, and then goes through it. Submissions of one case
// keep their order: behind one that waits the others wait.
func (s *source) round(ctx context.Context, in hub.Intake) error {
	list, err := s.list(ctx)
	if err != nil {
		return err
	}
	now, waiting := map[string]string{}, map[string]bool{}
	var last error
	for _, l := range list {
		now[l.Submission] = l.Case
		if waiting[l.Case] {
			continue
		}
		err := s.entry(ctx, in, l)
		if err == nil {
			delete(s.tries, l.Submission)
			continue
		}
		waiting[l.Case] = true
		if ctx.Err() != nil || ends(err) {
			return fmt.Errorf("submission %s: %w", l.Submission, err)
		}
		last = s.later(ctx, l, err)
	}
	s.vanished(ctx, now)
	s.listed = now
	return last
}

// list reads all pages. What is not ours, and what comes again on a later page, is
// left out, so that no list is endless.
func (s *source) list(ctx context.Context) ([]client.Listed, error) {
	var all []client.Listed
	seen := map[string]bool{}
	for offset := 0; ; {
		page, err := s.api.List(ctx, offset, s.set.Seite)
		if err != nil {
			return nil, err
		}
		news := 0
		for _, l := range page.Submissions {
			if seen[l.Submission] {
				continue
			}
			seen[l.Submission] = true
			news++
			if fit.IsUUID(l.Submission) && fit.IsUUID(l.Case) && (l.Destination == "" || strings.EqualFold(l.Destination, s.set.Zustellpunkt)) {
				all = append(all, l)
			}
		}
		offset += len(page.Submissions)
		if news == 0 || page.Total > 0 && offset >= page.Total {
			return all, nil
		}
	}
}

// entry does what is to be done with one submission next.
func (s *source) entry(ctx context.Context, in hub.Intake, l client.Listed) error {
	if t := s.tries[l.Submission]; t != nil && time.Now().Before(t.next) {
		return errNotYet
	}
	r, err := s.load(ctx, l.Submission)
	if err != nil {
		return fromHub{err}
	}
	s.remind(l, r)
	switch r.Step {
	case accepted, due:
		return s.accept(ctx, in, l, r)
	case rejecting, rejected:
		return s.reject(ctx, l, r)
	case isStored:
		return s.waits(ctx, in, l, r)
	case aside:
		if is, err := s.isAside(l.Submission); is || err != nil {
			return err
		}
	}
	return s.take(ctx, in, l)
}

// waits is for a submission that the hub has and no application yet.
func (s *source) waits(ctx context.Context, in hub.Intake, l client.Listed, r record) error {
	approved, err := s.approved(l.Submission)
	if err != nil {
		return err
	}
	if s.set.Accept == stored || approved {
		if r, err = s.change(ctx, l.Submission, func(r *record) { r.Step = due }); err != nil {
			return fromHub{err}
		}
		return s.accept(ctx, in, l, r)
	}
	if s.set.Forward && !r.Forwarded {
		return s.forward(ctx, l, r)
	}
	return nil
}

// approved says whether a person has accepted the submission, by a file of its id.
func (s *source) approved(submission string) (bool, error) {
	_, err := os.Lstat(filepath.Join(s.approve, submission))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// errNotYet is no failure: the submission waits for its next try.
var errNotYet = errors.New("waits for its next try")

const maxLater = time.Hour

// later notes a failure of one submission, around which the others go. The next
// try comes with the next poll, then later and later. When it is first seen is
// remembered, for the alarms.
func (s *source) later(ctx context.Context, l client.Listed, err error) error {
	if errors.Is(err, errNotYet) {
		return nil
	}
	t := s.tries[l.Submission]
	if t == nil {
		t = &try{}
		s.tries[l.Submission] = t
	}
	t.failures++
	wait := s.set.Poll
	for range min(t.failures-1, 20) {
		wait = min(2*wait, maxLater)
	}
	t.next = time.Now().Add(wait)
	s.log.Warn("fit-connect: a submission waits", zap.String("submission", l.Submission), zap.Int("failures", t.failures), zap.Error(err))
	_, err = s.change(ctx, l.Submission, func(r *record) {
		r.Case = l.Case
		if r.At.IsZero() {
			r.At = time.Now().UTC().Truncate(time.Second)
		}
	})
	return err
}

// vanished looks after what is not listed any more and was not ended by us: the
// service rejects by itself what nobody accepts.
func (s *source) vanished(ctx context.Context, now map[string]string) {
	for submission, theCase := range s.listed {
		if _, still := now[submission]; still {
			continue
		}
		delete(s.tries, submission)
		delete(s.told, submission)
		r, err := s.load(ctx, submission)
		if err != nil || r.Step == accepted || r.Step == rejected {
			continue
		}
		if v, err := s.verdict(ctx, submission, theCase); err != nil || v.end == nil {
			s.log.Warn("fit-connect: a submission is not listed any more, and nobody has accepted it",
				zap.String("submission", submission), zap.String("step", string(r.Step)), zap.Error(err))
			continue
		}
		s.ended(ctx, submission)
	}
}

// ended notes the end that the service has put to a submission.
func (s *source) ended(ctx context.Context, submission string) {
	r, err := s.change(ctx, submission, func(r *record) { r.Step = rejected })
	s.log.Error("fit-connect: the service has ended a submission that nobody had accepted in time; tell the sender",
		zap.String("submission", submission), zap.String("case", r.Case), zap.Error(err))
}
