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
	refusal  string // of transport, and how often in a row it was the same
	same     int
}

func (s *source) try(submission string) *try {
	t := s.tries[submission]
	if t == nil {
		t = &try{}
		s.tries[submission] = t
	}
	return t
}

// fromHub marks an error of the hub.
type fromHub struct{ error }

func (f fromHub) Unwrap() error { return f.error }

// general says whether an error may be nobody's in particular: the hub is away, or
// the client is not let in. When it comes to two submissions in a row it is.
func general(err error) bool {
	if _, hubs := errors.AsType[fromHub](err); hubs {
		return true
	}
	e, ok := errors.AsType[*client.Error](err)
	return ok && (e.Class == client.Login || e.Class == client.Unlinked)
}

// round reads the whole list, and then goes through it. Submissions of one case
// keep their order: behind one that waits the others wait.
func (s *source) round(ctx context.Context, in hub.Intake) error {
	list, err := s.list(ctx)
	if err != nil {
		s.remindKnown(ctx)
		return err
	}
	s.Look()
	if err := s.notice(ctx, list); err != nil {
		return err
	}
	waiting, inRow := map[string]bool{}, 0
	for _, l := range list {
		if waiting[l.Case] {
			continue
		}
		err := s.entry(ctx, in, l)
		if err == nil {
			delete(s.tries, l.Submission)
			inRow = 0
			continue
		}
		waiting[l.Case] = true
		if errors.Is(err, errNotYet) {
			continue
		}
		if ctx.Err() != nil || askedFor(err) > 0 {
			return fmt.Errorf("submission %s: %w", l.Submission, err)
		}
		s.later(l, err)
		if inRow++; !general(err) {
			inRow = 0
		}
		if inRow > 1 {
			return fmt.Errorf("submission %s: %w", l.Submission, err)
		}
	}
	return s.vanished(ctx, list)
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
	return s.take(ctx, in, l, r)
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
		err := s.forward(ctx, l, r)
		if err == nil || askedFor(err) > 0 || ctx.Err() != nil {
			return err
		}
		// a courtesy: nothing waits for it, and the next poll tries again
		s.log.Warn("fit-connect: forward-submission was not taken", zap.String("submission", l.Submission), zap.Error(err))
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
// try comes with the next poll, then later and later. Where the hub or the login may
// be the reason it is not so late, but after the poll that this round's end puts off:
// that one goes to others first.
func (s *source) later(l client.Listed, err error) {
	t := s.try(l.Submission)
	t.failures++
	wait, most := s.set.Poll, maxLater
	if general(err) {
		wait, most = 2*wait, 2*maxPause
	}
	for range min(t.failures-1, 20) {
		wait = min(2*wait, most)
	}
	t.next = time.Now().Add(wait)
	s.log.Warn("fit-connect: a submission waits", zap.String("submission", l.Submission), zap.Int("failures", t.failures), zap.Error(err))
}
