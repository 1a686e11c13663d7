package dataport

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
)

// telling is what people have been told of a submission that waits too long.
type telling struct {
	escalated bool
	at        time.Time
}

// notice remembers what is listed, since when, and reminds of it: before anything
// else of the round can fail.
func (s *source) notice(ctx context.Context, list []client.Listed) error {
	if err := s.addListed(ctx, list); err != nil {
		return fromHub{err}
	}
	for _, l := range list {
		r, err := s.load(ctx, l.Submission)
		if err == nil && r.At.IsZero() {
			r, err = s.change(ctx, l.Submission, func(r *record) {
				r.Case = l.Case
				if r.At.IsZero() {
					r.At = now()
				}
			})
		}
		if err != nil {
			return fromHub{err}
		}
		s.remind(l, r)
	}
	return nil
}

// remindKnown reminds of what was listed before, when the list cannot be had.
func (s *source) remindKnown(ctx context.Context) {
	for submission, theCase := range s.listed {
		if r, err := s.load(ctx, submission); err == nil {
			s.remind(client.Listed{Submission: submission, Case: theCase}, r)
		}
	}
}

// automaticReject is when the service itself rejects what nobody has accepted.
const automaticReject = 14 * day

// remind warns once after warnen, and escalates every day after eskalieren. A
// person finds the submission in error/, or its event in the hub.
func (s *source) remind(l client.Listed, r record) {
	age := time.Since(r.At)
	if r.At.IsZero() || age < s.set.Warnen || r.Step == accepted || r.Step == rejected {
		return
	}
	before, told := s.told[l.Submission]
	fields := []zap.Field{
		zap.String("submission", l.Submission), zap.String("case", l.Case), zap.String("step", string(r.Step)),
		zap.Duration("age", age.Truncate(time.Second)), zap.Time("rejected-at", r.At.Add(automaticReject)),
	}
	switch {
	case age >= s.set.Eskalieren && (!before.escalated || time.Since(before.at) >= day):
		s.told[l.Submission] = telling{true, time.Now()}
		s.log.Error("fit-connect: ESCALATION: a submission is about to be rejected by the service; see that its application takes it", fields...)
	case age < s.set.Eskalieren && !told:
		s.told[l.Submission] = telling{false, time.Now()}
		s.log.Warn("fit-connect: ALARM: a submission waits too long to be accepted", fields...)
	}
}
