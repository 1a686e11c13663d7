package akdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// signal has those that are due tried; nil-safe.
func (a *answers) signal() {
	if a == nil {
		return
	}
	select {
	case a.wake <- struct{}{}:
	default: // it is about to look anyhow
	}
}

// run tries what is due after each signal, until ctx ends.
func (a *answers) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		for _, w := range a.due() {
			if ctx.Err() != nil || a.stopped.Load() {
				break
			}
			a.tryGuarded(ctx, w)
		}
		if err := a.out.tidy(); err != nil {
			a.log.Warn("xta: the outbox could not be tidied", zap.Error(err))
		}
	}
}

func (a *answers) due() []*unsent {
	a.mu.Lock()
	defer a.mu.Unlock()
	var due []*unsent
	for _, w := range a.waiting {
		if !time.Now().Before(w.next) {
			due = append(due, w)
		}
	}
	return due
}

// mostPanics is after how many one is set aside without another try.
const mostPanics = 3

// tryGuarded lets a panic, which here nobody else would catch, cost only this one.
// After twice mostPanics not even setting it aside works: then it waits for the
// next start.
func (a *answers) tryGuarded(ctx context.Context, w *unsent) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		w.panics++
		a.log.Error("xta: sending a Rückweisung failed in a way that was not foreseen",
			zap.String("rueckweisung", w.id), zap.Int("times", w.panics), zap.String("type", fmt.Sprintf("%T", p)), zap.Stack("stack"))
		w.next = time.Now().Add(backoff(a.set.Poll, w.panics))
		if w.panics >= 2*mostPanics {
			a.forget(w)
		}
	}()
	a.try(ctx, w)
}

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
	if refused := a.beforeTry(w, c); refused != nil {
		a.endWith(w, c, refused)
		return
	}
	err = a.advance(ctx, c)
	fault := hub.FaultOf(err)
	switch {
	case fault == nil:
		a.forget(w)
		a.log.Info("xta: Rückweisung sent", zap.String("rueckweisung", w.id), zap.String("xtamessageid", c.MessageID))
	case ctx.Err() != nil || a.stopped.Load(): // it stays, with its message id
	case errors.Is(err, errLost):
		a.endWith(w, c, hub.Permanent(lost, "%w, or it is damaged", err))
	case fault.Permanent:
		a.endWith(w, c, err)
	case !fault.Later && time.Since(c.Begun) > patience:
		a.endWith(w, c, hub.Permanent(givenUp, "a Rückweisung was tried for %s, and may have arrived: %w", patience, err))
	default:
		a.postpone(w, fault)
	}
}

// beforeTry says why one must not be sent any more, nil if it may. It may have
// waited while the setting was off, or have been set aside before a crash.
func (a *answers) beforeTry(w *unsent, c *consignment) error {
	switch {
	case a.setAsideBefore(c):
		return hub.Permanent(lost, "a Rückweisung was set aside before")
	case w.panics >= mostPanics:
		return hub.Permanent("xta-panic", "sending a Rückweisung failed %d times in a way that was not foreseen", w.panics)
	case c.State != sent && time.Since(c.Begun) > patience:
		return hub.Permanent(givenUp, "a Rückweisung was not sent within %s; if it was tried it may have arrived", patience)
	}
	return nil
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
// that its message is done with. A crash may have come in between: then it lies
// there, with its first reason.
func (a *answers) giveUp(c *consignment, cause error) error {
	if err := a.alive(); err != nil {
		return err
	}
	if !a.setAsideBefore(c) {
		a.log.Error("xta: a Rückweisung cannot be sent and is set aside", zap.String("rueckweisung", c.id), zap.Error(cause))
		err := dropfolder.SetAside(a.aside, a.out.file(c.id, 0), asideAnswer(c.id), cause)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil {
			a.log.Error("xta: a Rückweisung is gone from the outbox; only its reason was set aside", zap.String("rueckweisung", c.id))
		}
	}
	if err := a.alive(); err != nil {
		return err
	}
	return a.out.save(c, done)
}

func asideAnswer(id string) string { return "rueckweisung_" + id + ".xml" }

// setAsideBefore says whether it lies where people look, and no more in the outbox.
func (a *answers) setAsideBefore(c *consignment) bool {
	_, here := os.Stat(a.out.file(c.id, 0))
	_, there := os.Stat(filepath.Join(a.aside, asideAnswer(c.id)))
	return errors.Is(here, fs.ErrNotExist) && there == nil
}

func (a *answers) forget(w *unsent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = slices.DeleteFunc(a.waiting, func(other *unsent) bool { return other == w })
}
