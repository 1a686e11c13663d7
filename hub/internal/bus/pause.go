package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// pausedFor is how long the server holds a mailbox back that a person has paused: until
// that person or another ends it.
const pausedFor = 100 * 365 * 24 * time.Hour

// PauseMailbox has the server hand out nothing of a mailbox, whoever asks, or go on. It
// lasts over restarts, and doing it again is harmless.
func (b *Bus) PauseMailbox(ctx context.Context, application string, pause bool) error {
	s, err := b.js.Stream(ctx, Out)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", Out, err)
	}
	name := decision.MailboxName(application)
	if pause {
		_, err = s.PauseConsumer(ctx, name, time.Now().Add(pausedFor))
	} else {
		_, err = s.ResumeConsumer(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("pause or resume mailbox %s: %w", application, err)
	}
	return nil
}

// Waiting is what a mailbox holds back.
type Waiting struct {
	InHand      uint64 // handed out, and not settled yet
	Redelivered uint64 // of these handed out more than once
	Paused      bool   // at the server
	// Oldest is when the oldest copy that is not settled was stored; zero: none is.
	Oldest time.Time
}

// WaitingIn tells what a mailbox holds back.
func (b *Bus) WaitingIn(ctx context.Context, application string) (w Waiting, err error) {
	cons, err := b.js.Consumer(ctx, Out, decision.MailboxName(application))
	if err != nil {
		return w, fmt.Errorf("look at mailbox %s: %w", application, err)
	}
	info := cons.CachedInfo()
	w.InHand, w.Redelivered, w.Paused = uint64(max(info.NumAckPending, 0)), uint64(max(info.NumRedelivered, 0)), info.Paused
	if info.NumPending == 0 && info.NumAckPending == 0 {
		return w, nil
	}
	m, err := b.At(ctx, Out, info.AckFloor.Stream+1, "out."+application+".>")
	if err == nil && m != nil {
		w.Oldest = m.Time
	}
	return w, err
}
