package mailbox

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// Acks records what an application that takes its copies itself says of them, before
// JetStream hears it: an acknowledgement that is confirmed is in the trail. When the
// hub ends in between, JetStream may hand the copy out again, with the same
// Amtsbote-Delivery; the receiver's next acknowledgement is confirmed and not
// recorded twice.
type Acks struct {
	*Mailbox
	Account string // public key of its organisation's NATS account
	// Heard is called once acknowledgements are heard: what is sent before is lost.
	Heard func()

	delivered atomic.Uint64 // sequence in OUT up to which copies were handed out, at least
}

// Run records until ctx ends.
func (a *Acks) Run(ctx context.Context) error {
	begin := sync.OnceFunc(func() {
		a.Heard()
		// what the hub before had on its way to the trail is an outcome
		if a.untilDone(ctx, func() error { return a.Recorder.Flush(ctx) }) {
			a.passOn(ctx)
		}
	})
	for attempt := 1; ctx.Err() == nil; attempt++ {
		err := a.Bus.Acks(ctx, a.Account, a.Application, begin, a.record)
		if err == nil {
			break
		}
		a.Log.Warn("acknowledgements are not heard; trying again", zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
	return nil
}

// passOn tells JetStream what is recorded and was not passed on when the hub ended.
func (a *Acks) passOn(ctx context.Context) {
	n, err := a.Bus.PassOn(ctx, a.Application, func(out uint64) bool { return a.Index.IsDone(a.Application, out) })
	if err != nil && ctx.Err() == nil {
		a.Log.Warn("copies that are done may be handed out again", zap.Error(err))
	}
	if n > 0 {
		a.Log.Info("copies that are done are taken back from JetStream", zap.Int("copies", n))
	}
}

// record writes the end of a copy to the trail, once.
func (a *Acks) record(ctx context.Context, ack bus.Ack) error {
	free, ok := a.Hands.TryTake(a.Application, ack.Out)
	if !ok {
		return errBusy // waiting would take the place of what is said of other copies
	}
	defer free()
	m, err := a.Bus.Get(ctx, bus.Out, ack.Out)
	if err != nil {
		return err
	}
	switch {
	// of what is gone it is not known whether it was done or had expired
	case m == nil || !strings.HasPrefix(m.Subject, "out."+a.Application+"."):
		return bus.ErrNotYours
	case a.Index.IsDone(a.Application, ack.Out):
		return a.again(ctx, m, ack.Verb)
	}
	if out, err := a.handedOut(ctx, ack.Out); err != nil || !out {
		return cmpErr(err, bus.ErrNotYours)
	}
	var fault *hub.Fault
	if ack.Verb == bus.VerbRefuse {
		fault = hub.FaultOf(hub.Permanent(codeOf(ack.Reason), "the receiver refused the copy"))
		// once: when QUARANTINE takes nothing the receiver is not answered, and says it again
		once, cancel := context.WithTimeout(ctx, bus.Timeout)
		defer cancel()
		if err := a.refused(once, m, fault); err != nil {
			return err
		}
	}
	if !a.recorded(ctx, m, ack.Deliveries, fault) {
		return ctx.Err()
	}
	return nil
}

// errBusy means that somebody is at work on the copy.
var errBusy = errors.New("the copy is being worked on")

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// handedOut tells whether JetStream has handed out a copy: nobody can be done with
// what he has not seen.
func (a *Acks) handedOut(ctx context.Context, out uint64) (bool, error) {
	if out <= a.delivered.Load() {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	at, err := a.Bus.Mailbox(ctx, a.Application)
	if err != nil {
		return false, err
	}
	for {
		before := a.delivered.Load()
		if at.Delivered <= before || a.delivered.CompareAndSwap(before, at.Delivered) {
			return out <= max(before, at.Delivered), nil
		}
	}
}

var reasonCode = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// codeTerminated stands for a refusal whose reason is no code.
const codeTerminated = "terminated"

// codeOf takes a receiver's reason for a code when it has the form of one: free
// text could say anything about anybody.
func codeOf(reason string) string {
	if reason = strings.TrimSpace(reason); reasonCode.MatchString(reason) {
		return reason
	}
	return codeTerminated
}
