package fitsim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/hub"
)

// taker plays the receiver at a destination that no subscriber reads: it accepts what
// lies there.
type taker struct {
	destination string
	key         fit.PrivateKey
}

func (set settings) takers(env hub.Env) ([]taker, error) {
	var all []taker
	for id, d := range set.Destinations {
		if !d.NimmtAn {
			continue
		}
		keys, err := fit.ReadPrivateKeys(under(env.Federation, orElse(d.Signatur, strings.ToLower(id)+".signieren.jwk")), fit.Signature, 2048)
		if err != nil {
			return nil, err
		}
		all = append(all, taker{strings.ToLower(id), keys[0]})
	}
	return all, nil
}

// take accepts all that waits.
func (t taker) take(s *Server) error {
	var errs []error
	for _, id := range s.Waiting(t.destination) {
		if err := s.Receiver(id, fit.AcceptSubmission, nil, t.key); err != nil {
			errs = append(errs, fmt.Errorf("submission %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// watchDestinations lets the takers take until ctx ends.
func watchDestinations(ctx context.Context, takers []taker, s *Server, poll time.Duration, log *zap.Logger) {
	if len(takers) == 0 {
		return
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		for _, t := range takers {
			if err := t.take(s); err != nil {
				log.Warn("FIT-Connect simulator: could not accept for a destination", zap.Error(err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// submitFirst hands in the applications that the settings name.
func (set settings) submitFirst(env hub.Env, s *Server) error {
	for _, dir := range set.Antraege {
		if _, err := submitFolder(s, under(env.Federation, dir)); err != nil {
			return fmt.Errorf("antraege: %w", err)
		}
	}
	return nil
}
