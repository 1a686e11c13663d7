package akdb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// xtaSource reads the box of one account. A message stays on the server until
// the hub has acknowledged its event, or it has been set aside: whatever crashes
// in between, it comes again.
type xtaSource struct {
	messages  *source // makes events; it has no folder
	set       xtaSettings
	service   xta.Service
	transport *http.Transport
	work      string // fetched contents; nothing of worth after a crash
	aside     string
	log       *zap.Logger
	hub.Looks

	failures map[string]int // of getMessage, by message id
	answers  *answers       // nil: none are sent
}

var (
	_ hub.Source = (*xtaSource)(nil)
	_ hub.Placed = (*xtaSource)(nil)
)

func newXTASource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decodeXTA(env, s)
	if err != nil {
		return nil, err
	}
	if set.SourcePrefix == "" {
		return nil, s.Errorf("source", "the prefix of the events' source is missing, for example urn:de:dvdv:")
	}
	x := &xtaSource{
		set: set, work: filepath.Join(set.Dir, "work"), aside: filepath.Join(set.Dir, "error"), log: env.Log,
		messages: &source{production: env.Production, log: env.Log}, failures: map[string]int{},
	}
	x.messages.set.Messages, x.messages.set.MaxBytes = set.Messages, set.MaxBytes
	if x.messages.xsd, err = set.validator(s); err != nil {
		return nil, err
	}
	for _, dir := range []string{x.work, x.aside} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("make directory: %w", err)
		}
	}
	if x.service, x.transport, err = set.dial(x.work); err != nil {
		return nil, err
	}
	x.answers, err = openAnswers(x, env.Production)
	return x, err
}

// Places implements hub.Placed.
func (x *xtaSource) Places() hub.Places { return hub.Places{In: x.set.Box, SetAside: x.aside} }

// Run implements hub.Source: checkAccountActive once, then the box again and
// again. A fault that only a person can mend stops the polling.
func (x *xtaSource) Run(ctx context.Context, in hub.Intake) error {
	defer x.transport.CloseIdleConnections()
	if err := errors.Join(x.sweep(), x.answers.takeUp()); err != nil {
		return err
	}
	defer x.answering(ctx)()
	checked, failed := false, 0
	var recovered time.Time
	for {
		var err error
		if !checked {
			if err = x.service.CheckAccountActive(ctx); notOffered(err) {
				x.log.Warn("xta: the server does not say whether the account is active; going on", zap.Error(err))
				err = nil
			}
			checked = err == nil
		}
		if checked {
			whole := failed > 0 || time.Since(recovered) >= x.set.Recover
			if err = x.round(ctx, in, whole); err == nil || onlyPassedOver(err) {
				x.Look()
			}
			if err == nil && whole {
				recovered = time.Now()
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case wire.ClassOf(err) == wire.Stop:
			return x.halt(ctx, err)
		case onlyPassedOver(err):
			failed = 0 // the others went on at full speed
			x.log.Warn("xta: messages were passed over", zap.Error(err))
		case err != nil:
			failed++
			x.log.Warn("xta: will try again", zap.Int("failures", failed), zap.Error(err))
		default:
			failed = 0
		}
		if !pause(ctx, backoff(x.set.Poll, failed)) {
			return nil
		}
	}
}

// answering has Rückweisungen sent beside the reading until the function that it
// gives is called, which waits for the end.
func (x *xtaSource) answering(ctx context.Context) (end func()) {
	if x.answers == nil {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { x.answers.run(ctx) })
	return func() {
		stop()
		running.Wait()
	}
}

// notOffered holds for a SOAP fault that is none of XTA: a server that lacks the
// operation answers so.
func notOffered(err error) bool {
	f, isFault := errors.AsType[*wire.Fault](err)
	return isFault && f.Code == ""
}

// halt waits for the end: to go on calling with a certificate or an account that
// the server refuses may get the account locked.
func (x *xtaSource) halt(ctx context.Context, err error) error {
	x.log.Error("xta: the server refuses account or certificate; nothing is fetched any more: "+
		"mend it, then restart the hub or change the adapter's settings", zap.Error(err))
	if x.answers != nil {
		x.answers.stopped.Store(true)
	}
	<-ctx.Done()
	return nil
}

const maxPause = 5 * time.Minute

// backoff is poll, doubled with each failure up to five minutes.
func backoff(poll time.Duration, failures int) time.Duration {
	wait := poll
	for range failures - 1 {
		if wait *= 2; wait > maxPause {
			return max(maxPause, poll)
		}
	}
	return wait
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// sweep removes what an earlier run had fetched: all of it is still on the
// server, or stored.
func (x *xtaSource) sweep() error {
	left, err := filepath.Glob(filepath.Join(x.work, "xta-*.part"))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil {
		return fmt.Errorf("empty the work directory: %w", err)
	}
	return nil
}

// round goes through the box once. Which messages newEntry="true" leaves out is
// the server's affair (those that were fetched, closed or not); so whole also
// asks without it, before.
func (x *xtaSource) round(ctx context.Context, in hub.Intake, whole bool) error {
	x.answers.signal()
	defer x.answers.signal() // what failed may be due again
	var errs []error
	for _, newOnly := range []bool{false, true} {
		if !newOnly && !whole {
			continue
		}
		err := x.box(ctx, in, newOnly)
		if stops(err) {
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// box goes through the pages of one list. A message that has come once in it does
// not come again, so that no server can keep us in a circle.
func (x *xtaSource) box(ctx context.Context, in hub.Intake, newOnly bool) error {
	seen := map[string]bool{}
	var errs []error
	page, err := x.service.List(ctx, xta.Query{NewOnly: newOnly, Max: x.set.Page})
	for page != nil && err == nil {
		fresh := false
		for _, e := range page.Entries {
			if seen[fold(e.MessageID)] || e.MessageID == "" || len(e.MessageID) > maxMessageID {
				continue
			}
			seen[fold(e.MessageID)], fresh = true, true
			err := x.entry(ctx, in, page, e)
			if stops(err) {
				return err
			}
			errs = append(errs, err)
		}
		if !fresh {
			break
		}
		page, err = x.service.Next(ctx, page)
	}
	if err != nil {
		return fmt.Errorf("list the box: %w", err)
	}
	return errors.Join(errs...)
}

// maxMessageID is twice what XTA allows.
const maxMessageID = 200

// passedOver marks the failure of one message around which the others go.
type passedOver struct{ error }

func (p passedOver) Unwrap() error { return p.error }

// onlyPassedOver says whether nothing else went wrong in a round.
func onlyPassedOver(err error) bool {
	if err == nil {
		return false
	}
	if _, passed := err.(passedOver); passed { //nolint:errorlint // the joined errors are looked through below
		return true
	}
	joined, several := err.(interface{ Unwrap() []error })
	return several && !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !onlyPassedOver(e) })
}

// stops says whether an error ends the round: every one but that of a message
// that was passed over.
func stops(err error) bool {
	if err == nil {
		return false
	}
	_, passed := errors.AsType[passedOver](err)
	return !passed || wire.ClassOf(err) == wire.Stop
}
