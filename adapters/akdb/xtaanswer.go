package akdb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/hub"
)

// answers sends Rückweisungen (XInneres 0010) by XTA. Each is written down before
// its message is closed, and sent beside the reading of the box: one that cannot
// be sent waits in the outbox, in the end it is set aside, and holds up nothing.
type answers struct {
	*sender
	messages *source // builds them
	aside    string
	wake     chan struct{} // has room for one

	mu      sync.Mutex
	waiting []*unsent // oldest first
}

// unsent is one that is on its way.
type unsent struct {
	id    string // of its consignment
	fails int
	next  time.Time // not tried before
}

const (
	givenUp = "xta-given-up"
	// patience is how long one is tried again that neither arrives nor is refused.
	patience = 7 * 24 * time.Hour
)

// openAnswers takes up those that an earlier run has left; nil when the authority
// has not switched Rückweisungen on.
func openAnswers(x *xtaSource, production bool) (*answers, error) {
	if !x.set.Rueckweisung.Send {
		return nil, nil
	}
	out, err := openOutbox(filepath.Join(x.set.Dir, "rueckweisung"), x.set.Remember)
	if err != nil {
		return nil, err
	}
	left, err := out.unfinished()
	if err != nil {
		return nil, err
	}
	a := &answers{
		sender:   &sender{set: x.set, service: x.service, out: out, production: production, log: x.log},
		messages: &source{log: x.log}, aside: x.aside, wake: make(chan struct{}, 1),
	}
	a.messages.set.Messages = x.set.Messages
	a.messages.set.Leser = nil // the author is always the account
	for _, id := range left {
		a.waiting = append(a.waiting, &unsent{id: id})
	}
	return a, nil
}

// answerID is the message's identity and nothing else: it is answered once,
// whatever bytes, reason or MessageID it comes again with.
func answerID(m *xoev.Message) string {
	autor := sha256.Sum256([]byte(fold(m.Autor.Kennung)))
	return m.UUID + "-" + hex.EncodeToString(autor[:4])
}

// write lays the Rückweisung of a refused message into the outbox, durably, if it
// is to have one and has none yet.
func (a *answers) write(m *xoev.Message, f *xta.Fetched, messageID string, cause error) error {
	if a == nil {
		return nil
	}
	code, ok := a.set.Rueckweisung.sends(cause)
	if !ok || !answerable(m) {
		return nil
	}
	c := &consignment{id: answerID(m), Begun: time.Now().UTC()}
	if before, err := a.out.load(c.id); before != nil || err != nil {
		return a.answered(c.id, err)
	}
	content, err := contentToReturn(f)
	if err != nil {
		return err
	}
	if content == nil {
		a.log.Warn("xta: no Rückweisung was written: the message is too large to be sent back", zap.String("message", m.UUID))
		return nil
	}
	id, rejection, err := a.messages.rejection(m, content, c.Begun, code, messageID)
	if wrong, ok := errors.AsType[*xmlout.UnmappableError](err); ok {
		a.log.Warn("xta: no Rückweisung was written", zap.String("message", m.UUID), zap.String("field", wrong.Field))
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.lay(c, rejection, messageID, m.IsTest); err != nil {
		return err
	}
	a.log.Info("xta: Rückweisung written", zap.String("message", m.UUID), zap.String("rueckweisung", id), zap.String("code", code))
	return nil
}

// answered is what follows when there is a record already. One that cannot be
// read may say that the message was answered, so it is not answered again.
func (a *answers) answered(id string, err error) error {
	if err != nil {
		a.log.Error("xta: no Rückweisung was written: its record cannot be read", zap.String("rueckweisung", id), zap.Error(err))
	}
	return nil
}

// contentToReturn reads the message itself; nil when it is too large.
func contentToReturn(f *xta.Fetched) ([]byte, error) {
	c, err := f.Container()
	if err != nil {
		return nil, err
	}
	if c.Message.Content.Size > mostSentBack {
		return nil, nil
	}
	r, err := c.Message.Content.Open()
	if err != nil {
		return nil, fmt.Errorf("read refused message: %w", err)
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read refused message: %w", err)
	}
	return content, nil
}

// lay makes the consignment durable. What can be seen now to be impossible to
// send is set aside at once.
func (a *answers) lay(c *consignment, rejection []byte, messageID string, test bool) error {
	if err := a.out.add(c, bytes.NewReader(rejection), consignedFile{ContentType: "text/xml"}); err != nil {
		return err
	}
	back, err := a.readBack(c)
	if err == nil {
		c.Files[0].Filename = back.Element + ".xml"
		c.Meta, err = a.metaData(back, c, test)
	}
	if fault := hub.FaultOf(err); fault != nil && fault.Permanent {
		return a.giveUp(c, err)
	}
	if err != nil {
		return err
	}
	c.Meta.InReplyTo = []string{messageID}
	if err := a.out.save(c, written); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, &unsent{id: c.id})
	return nil
}

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
			a.try(ctx, w)
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
