package send

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// lostAfter is how long the service must say, without another answer between, that it
// has no such case before that is believed.
const lostAfter = 3 * day

// caseGone is the code of a submission whose case the service does not have any more.
const caseGone = "fit-case-gone"

// lost tells, once that is certain, that nobody will hear what became of a submission.
func (s *source) lost(ctx context.Context, in hub.Intake, r *record, err error) error {
	if r.Missing == nil {
		now := time.Now().UTC().Truncate(time.Second)
		r.Missing = &now
		if failed := s.out.save(r, sent); failed != nil {
			return failed
		}
		s.log.Error("fit-connect: the service does not know the case of a submission; it is asked again for days", zap.String("submission", r.Submission))
	}
	if time.Since(*r.Missing) < lostAfter {
		return err
	}
	end := true
	d := &report{Gescheitert: r.Missing.Format(time.RFC3339), Endgueltig: &end, Grund: &reason{caseGone, "Der Zustelldienst kennt den Vorgang nicht mehr; was daraus wurde, ist nicht zu erfahren."}}
	d.Nachricht.ID, d.Nachricht.Kanal = r.Submission, kanal
	e, failed := s.event(r, s.id(r, caseGone), *r.Missing, typeFailed, d)
	if failed != nil {
		return failed
	}
	if failed := in.Publish(ctx, e); failed != nil {
		return s.refused(r.id, r, hubError("publish", failed))
	}
	s.progress = true
	r.Told = append(r.Told, e.ID())
	return s.out.save(r, done)
}
