package send

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// look tells what is new about one submission, and says how long it can be left alone.
func (s *source) look(ctx context.Context, in hub.Intake, id string) (quiet time.Duration, err error) {
	aside, err := s.isAside(id)
	if err != nil {
		return 0, err
	}
	r, err := s.out.load(id)
	if errors.Is(err, errDamaged) {
		if aside {
			return 0, nil
		}
		return 0, s.setAside(id, "", hub.Permanent("fit-record", "%w: what became of the submission is not told", err))
	}
	if err != nil {
		return 0, err
	}
	if r.State != sent { // the sink's, or nobody's any more
		s.ended[id] = r.State == done
		return 0, nil
	}
	s.remind(r)
	if aside {
		return 0, nil
	}
	return s.read(ctx, in, r)
}

// read reads a submission's event log, and tells what is new.
func (s *source) read(ctx context.Context, in hub.Intake, r *record) (quiet time.Duration, err error) {
	log, bad, err := readLog(ctx, s.api, r)
	if client.IsMissing(err) {
		return 0, s.lost(ctx, in, r, err)
	}
	if err == nil && r.Missing != nil {
		r.Missing = nil
		err = s.out.save(r, sent)
	}
	if err != nil {
		return 0, err
	}
	if bad > s.bad[r.id] {
		s.bad[r.id] = bad
		s.log.Warn("fit-connect: the event log has tokens that are not valid; they are not believed", zap.String("submission", r.Submission), zap.Int("count", bad))
	}
	told := len(r.Told)
	for _, one := range log {
		if err := s.tell(ctx, in, r, one); err != nil {
			return 0, s.refused(r.id, r, err)
		}
	}
	if len(r.Told) > told {
		return 0, nil
	}
	return min(time.Since(r.Since)/calm, maxCalm), nil
}

// What has waited is looked at after a hundredth of that time, if longer than poll,
// and at least each hour: old records leave the service's calls to new ones.
const (
	calm    = 100
	maxCalm = time.Hour
)

// remind warns once a day of what nobody has accepted for long: the service rejects
// it on day 14.
func (s *source) remind(r *record) {
	if r.State != sent || time.Since(r.Since) < s.set.Warnen || time.Since(s.warned[r.id]) < day {
		return
	}
	s.warned[r.id] = time.Now()
	s.log.Error("fit-connect: ALARM: the receiver has not accepted a submission for long",
		zap.String("submission", r.Submission), zap.String("destination", r.Destination), zap.Time("since", r.Since))
}
