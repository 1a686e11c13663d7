package send

import (
	"context"
	"errors"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
)

// entry of an event log: a token that was verified, and its text.
type entry struct {
	*fit.SET
	compact string
}

// readLog reads what the event log says of a submission, in order. Tokens that do
// not verify, and those of who may not say them, count for nothing; bad is how many
// did not.
func readLog(ctx context.Context, api *client.Client, r *record) (all []entry, bad int, err error) {
	log, err := api.Events(ctx, r.Case)
	if err != nil {
		return nil, 0, err
	}
	for _, compact := range log {
		one, err := fit.VerifySET(ctx, compact, api.Issuers(r.Destination))
		if errors.Is(err, fit.ErrSET) {
			bad++
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		if one.Subject == fit.Submission(r.Submission) && one.Case == r.Case && mayBeSaid(one.Event, strings.EqualFold(one.Issuer, r.Destination)) {
			all = append(all, entry{one, compact})
		}
	}
	return all, bad, nil
}

// mayBeSaid says who may say what: the service that a submission was made and has
// ended, the destination what it does with it.
func mayBeSaid(event string, byDestination bool) bool {
	switch event {
	case fit.AcceptSubmission, fit.ForwardSubmission:
		return byDestination
	case fit.RejectSubmission:
		return true
	}
	return !byDestination
}
