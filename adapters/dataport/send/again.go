package send

import (
	"context"
	"errors"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// errExpired is worth another try, which begins anew.
var errExpired = errors.New("the service does not know the submission any more that was begun, or not as it was begun; it begins anew")

// after says what follows a failure.
func (x *sink) after(ctx context.Context, r *record, err error) error {
	class := client.ClassOf(err)
	begun := r.State == announced || r.State == submitting
	if !begun || class != client.Gone && class != client.Refused {
		err = x.fault(err)
		if hub.FaultOf(err).Permanent && !begun {
			return errors.Join(err, x.out.drop(r))
		}
		return err
	}
	if r.State == submitting {
		if class == client.Gone && !client.IsMissing(err) {
			return hub.Retryable("fit-away", "the service does not say in its own words that it has no such submission: %w", err)
		}
		if unknown := x.settled(ctx, r, err); unknown != nil || r.State == sent {
			return unknown
		}
	}
	if class == client.Gone || r.repeated && !r.Again { // the service may refuse what it has already
		err = errExpired
		if lost := x.restart(r, class); lost != nil {
			return lost
		}
	} else if lost := x.out.drop(r); lost != nil {
		return lost
	}
	return x.fault(err)
}

// restart has the next try begin anew with what was encrypted.
func (x *sink) restart(r *record, class client.Class) error {
	r.Submission, r.Case, r.Uploaded, r.Tried = "", "", 0, 0
	r.Again = r.Again || class == client.Refused
	return x.out.save(r, packed)
}

// settled is nil when it is known whether a completion arrived that the service now
// refuses or does not know: it did (sent), or it did not. After a try without an
// answer that is known only by an event log that was read, of which all verifies, and
// which after a day still does not name it; and never of a refusal, which may be of
// what the service has.
func (x *sink) settled(ctx context.Context, r *record, err error) error {
	whole, unknown := x.arrived(ctx, r)
	switch {
	case unknown != nil:
		return x.fault(unknown)
	case r.State == sent || !r.unclear || client.IsMissing(err) && r.never(whole):
		return nil
	}
	return hub.Retryable("fit-unclear", "submit again, after a try without an answer: %w", err)
}

// never says whether a submission never arrived whose event log, all of which
// verifies, does not name it: the service has let it go after a day.
func (r *record) never(whole bool) bool { return whole && time.Since(r.Since) > day }

// arrived looks into the event log whether an earlier try was successful. whole says
// that the log was there and all of it verified.
func (x *sink) arrived(ctx context.Context, r *record) (whole bool, err error) {
	log, bad, err := readLog(ctx, x.api, r)
	if client.IsMissing(err) {
		return false, nil
	}
	if class := client.ClassOf(err); class == client.Gone || class == client.Refused {
		err = hub.Retryable("fit-unclear", "look whether an earlier try arrived: %w", err)
	}
	if err != nil {
		return false, err
	}
	for _, one := range log {
		if one.Event == fit.SubmitSubmission {
			return true, x.out.save(r, sent)
		}
	}
	return bad == 0, nil
}
