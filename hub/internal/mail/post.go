package mail

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// Bounds of what is told.
const (
	pause  = time.Hour      // between two mails on the same kind of thing of an application
	giveUp = 48 * time.Hour // what is older is not told any more
	most   = 800            // entries of the book, so that it fits into one message of NATS
)

// Results that are counted.
const (
	Sent    = "sent"    // the mail server has taken it
	Failed  = "failed"  // given up: refused for good, too old, or the book is full
	Retried = "retried" // an attempt in vain; there will be another
)

// Post tells notices by mail. Its methods are safe for concurrent use.
type Post struct {
	Server *Server
	Store  Store
	// Count counts results.
	Count func(result string)
	Log   *zap.Logger

	mu      sync.Mutex
	book    map[string]*entry
	dirty   bool
	changed chan struct{}

	// Of Run alone: when the server as a whole is tried again, after how many failures.
	attempt int
	next    time.Time
	saved   time.Time
}

// Tell notes what is to be told. It never waits.
func (p *Post) Tell(n Notice) {
	if _, known := says[n.What]; !known {
		p.Log.Error("no text for a kind of notice: not told by mail", zap.String("what", n.What))
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := n.Application + " " + n.What
	e := p.book[key]
	if e == nil {
		if !p.room() {
			p.Count(Failed)
			p.Log.Error("too many mails wait: one is not sent", zap.String("application", n.Application), zap.String("what", n.What))
			return
		}
		e = &entry{}
		p.book[key] = e
	}
	if e.Count == 0 {
		e.First, e.Attempt, e.Next = n.At, 0, time.Time{}
	}
	if e.Notice.To != n.To { // a mail that the address before did not take may go now
		e.Attempt, e.Next = 0, time.Time{}
	}
	e.Notice = n
	e.Count++
	p.dirty = true
	p.rouse()
}

func (p *Post) rouse() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Waiting is how many mails are to be sent, also those that wait for their hour.
func (p *Post) Waiting() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.book {
		if e.Count > 0 {
			n++
		}
	}
	return n
}

// Run sends until ctx ends. Load comes before.
func (p *Post) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wake := p.save(ctx)
		for e, at := p.first(); ; e, at = p.first() {
			if e == nil || at.After(time.Now()) || ctx.Err() != nil {
				wake = sooner(wake, at)
				break
			}
			p.send(ctx, e)
		}
		t := time.NewTimer(time.Until(wake))
		select {
		case <-ctx.Done():
		case <-p.changed:
		case <-t.C:
		}
		t.Stop()
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
	defer cancel()
	p.saved = time.Time{}
	p.save(last)
	return nil
}

// idle is how long Run rests when nothing is to be done.
const idle = time.Hour

func sooner(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// send tries to send what an entry says.
func (p *Post) send(ctx context.Context, e *entry) {
	now := time.Now()
	var err error
	if now.Sub(e.Notice.At) >= giveUp {
		err = refusedError{errors.New("given up after two days")}
	} else {
		_, domain, _ := strings.Cut(p.Server.from, "@")
		err = p.Server.send(ctx, write(e, domain))
	}
	if ctx.Err() != nil && err != nil {
		return // the hub ends; the next one sends
	}
	p.settle(e, err)
}

// settle draws the conclusions from what has come of an entry's mail.
func (p *Post) settle(e *entry, err error) {
	now, own := time.Now(), false
	_, refused := errors.AsType[refusedError](err)
	_, undelivered := errors.AsType[undeliveredError](err)
	log := p.Log.With(zap.String("application", e.Notice.Application), zap.String("what", e.Notice.What))
	switch {
	case err == nil:
		p.Count(Sent)
		log.Info("the contact was told by mail", zap.Int("count", e.Count))
	case refused:
		p.Count(Failed)
		log.Error("the contact is not told by mail", zap.Error(err))
	default:
		p.Count(Retried)
		log.Warn("the contact is not told by mail yet; trying again", zap.Error(err))
		own = true
	}
	if !own || undelivered {
		p.attempt, p.next = 0, time.Time{} // the server is there
	} else {
		p.attempt++
		p.next = now.Add(settle.Backoff(p.attempt, settle.Jitter()))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.book[e.Notice.Application+" "+e.Notice.What]
	if kept == nil {
		return
	}
	p.dirty = true
	p.rouse() // to store it
	switch {
	case !own:
		kept.done(e, now)
	case undelivered && kept.Notice.To == e.Notice.To:
		kept.Attempt++
		kept.Next = now.Add(settle.Backoff(kept.Attempt, settle.Jitter()))
	}
}
