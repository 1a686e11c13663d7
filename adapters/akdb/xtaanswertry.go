package akdb

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// try takes one as far as it comes.
func (a *answers) try(ctx context.Context, w *unsent) {
	c, err := a.out.load(w.id)
	if err != nil || c == nil || c.State == done {
		a.forget(w)
		if err != nil {
			a.log.Error("xta: a Rückweisung is not sent: its record cannot be read", zap.String("rueckweisung", w.id), zap.Error(err))
		}
		return
	}
	err = a.advance(ctx, c)
	fault := hub.FaultOf(err)
	switch {
	case fault == nil:
		a.forget(w)
		a.log.Info("xta: Rückweisung sent", zap.String("rueckweisung", w.id), zap.String("xtamessageid", c.MessageID))
	case ctx.Err() != nil || a.stopped.Load(): // it stays, with its message id
	case fault.Permanent || errors.Is(err, errLost):
		a.endWith(w, c, err)
	case !fault.Later && time.Since(c.Begun) > patience:
		a.endWith(w, c, hub.Permanent(givenUp, "a Rückweisung was tried for %s, and may have arrived: %w", patience, err))
	default:
		a.postpone(w, fault)
	}
}

func (a *answers) postpone(w *unsent, fault *hub.Fault) {
	wait := fault.After
	if !fault.Later {
		w.fails++
		wait = backoff(a.set.Poll, w.fails)
		a.log.Warn("xta: a Rückweisung will be tried again", zap.String("rueckweisung", w.id), zap.Int("failures", w.fails), zap.Error(fault))
	}
	w.next = time.Now().Add(wait)
}

// endWith sets one aside that can never be sent.
func (a *answers) endWith(w *unsent, c *consignment, cause error) {
	if err := a.giveUp(c, cause); err != nil {
		a.log.Error("xta: a Rückweisung could not be set aside", zap.String("rueckweisung", w.id), zap.Error(err))
		a.postpone(w, hub.FaultOf(err))
		return
	}
	a.forget(w)
}

// giveUp moves a Rückweisung to where people look, with the reason, and remembers
// that its message is done with.
func (a *answers) giveUp(c *consignment, cause error) error {
	a.log.Error("xta: a Rückweisung cannot be sent and is set aside", zap.String("rueckweisung", c.id), zap.Error(cause))
	if !errors.Is(cause, errLost) { // else there is nothing to move: a crash came after it
		if err := dropfolder.SetAside(a.aside, a.out.file(c.id, 0), "rueckweisung_"+c.id+".xml", cause); err != nil {
			return err
		}
	}
	return a.out.save(c, done)
}

func (a *answers) forget(w *unsent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = slices.DeleteFunc(a.waiting, func(other *unsent) bool { return other == w })
}
