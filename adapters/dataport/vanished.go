package dataport

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
)

// What is listed is remembered across restarts in so many values of the State, each of
// at most 64 KiB: 32 bytes a submission, its id and that of its case.
const (
	shards    = 64
	entrySize = 32
	maxShard  = 64 << 10 / entrySize
)

func shardOf(submission string) int {
	return int(sha256.Sum256([]byte(submission))[0]) % shards
}

func shardKey(n int) string { return fmt.Sprintf("fit-listed.%02d", n) }

// readListed brings back what was listed before a restart.
func (s *source) readListed(ctx context.Context) error {
	s.listed = map[string]string{}
	for n := range shards {
		raw, err := s.state.Get(ctx, shardKey(n))
		if err != nil {
			return fmt.Errorf("read what was listed: %w", err)
		}
		for ; len(raw) >= entrySize; raw = raw[entrySize:] {
			s.listed[uuid.UUID(raw[:16]).String()] = uuid.UUID(raw[16:entrySize]).String()
		}
	}
	return nil
}

// addListed remembers what was not listed before.
func (s *source) addListed(ctx context.Context, list []client.Listed) error {
	changed := map[int]bool{}
	for _, l := range list {
		if _, known := s.listed[l.Submission]; !known {
			s.listed[l.Submission] = l.Case
			changed[shardOf(l.Submission)] = true
		}
	}
	if err := s.writeListed(ctx, changed); err != nil {
		for _, l := range list { // so that the next round writes it
			if changed[shardOf(l.Submission)] {
				delete(s.listed, l.Submission)
			}
		}
		return err
	}
	return nil
}

func (s *source) writeListed(ctx context.Context, changed map[int]bool) error {
	if len(changed) == 0 {
		return nil
	}
	values := map[int][]byte{}
	for submission, theCase := range s.listed {
		n := shardOf(submission)
		if !changed[n] || len(values[n]) >= maxShard*entrySize {
			continue // more than 100000 that wait: the rest is known until the next restart
		}
		a, err1 := uuid.Parse(submission)
		b, err2 := uuid.Parse(theCase)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		values[n] = append(append(values[n], a[:]...), b[:]...)
	}
	for n := range changed {
		if err := s.state.Put(ctx, shardKey(n), values[n]); err != nil {
			return fmt.Errorf("remember what is listed: %w", err)
		}
	}
	return nil
}

// vanished looks after what is not listed any more and was not ended by us: the
// service rejects by itself what nobody accepts. What could not be looked up stays
// known, and is looked up again.
func (s *source) vanished(ctx context.Context, list []client.Listed) error {
	still := map[string]bool{}
	for _, l := range list {
		still[l.Submission] = true
	}
	changed := map[int]bool{}
	for submission, theCase := range s.listed {
		if still[submission] || s.waitsForTry(submission) {
			continue
		}
		l := client.Listed{Submission: submission, Case: theCase}
		if err := s.gone(ctx, l); err != nil {
			if ctx.Err() != nil || askedFor(err) > 0 {
				return err
			}
			s.later(l, err)
			continue
		}
		delete(s.tries, submission)
		delete(s.told, submission)
		delete(s.listed, submission)
		changed[shardOf(submission)] = true
	}
	if err := s.writeListed(ctx, changed); err != nil {
		return fromHub{err}
	}
	return nil
}

func (s *source) waitsForTry(submission string) bool {
	t := s.tries[submission]
	return t != nil && time.Now().Before(t.next)
}

// gone tells people what became of a submission that is not listed any more.
func (s *source) gone(ctx context.Context, l client.Listed) error {
	r, err := s.load(ctx, l.Submission)
	if err != nil {
		return fromHub{err}
	}
	if r.Step == accepted || r.Step == rejected {
		return nil
	}
	v, err := s.verdict(ctx, l.Submission, l.Case)
	switch {
	case client.IsMissing(err):
	case err != nil:
		return err
	case v.end != nil && v.end.Event == fit.AcceptSubmission: // by us, and the answer was lost, or by a person
		_, err := s.change(ctx, l.Submission, func(r *record) { r.Step = accepted })
		return err
	case v.end != nil:
		return s.ended(ctx, l.Submission)
	}
	s.log.Warn("fit-connect: a submission is not listed any more, and nobody has accepted it",
		zap.String("submission", l.Submission), zap.String("step", string(r.Step)), zap.Error(err))
	return nil
}

// ended tells, and then notes, the end that the service has put to a submission.
func (s *source) ended(ctx context.Context, submission string) error {
	r, err := s.load(ctx, submission)
	if err != nil {
		return fromHub{err}
	}
	s.log.Error("fit-connect: the service has ended a submission that nobody had accepted in time; tell the sender",
		zap.String("submission", submission), zap.String("case", r.Case))
	if _, err := s.change(ctx, submission, func(r *record) { r.Step = rejected }); err != nil {
		return fromHub{err}
	}
	return nil
}
