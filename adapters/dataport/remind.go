package dataport

import (
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
)

// telling is what people have been told of a submission that waits too long.
type telling struct {
	escalated bool
	at        time.Time
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
