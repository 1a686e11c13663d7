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
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
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

	step func() error // tests: where a process may die; else nil
}

// unsent is one that is on its way.
type unsent struct {
	id     string // of its consignment
	fails  int
	panics int
	next   time.Time // not tried before
}

const (
	givenUp = "xta-given-up"
	lost    = "xta-lost"
	damaged = "xta-record"
	// patience is how long one is tried again that neither arrives nor is refused.
	patience = 7 * 24 * time.Hour
)

// openAnswers gives nil when the authority has not switched Rückweisungen on. Which
// wait is not looked up here: when settings change, the source before this one
// still runs, and writes further ones.
func openAnswers(x *xtaSource, production bool) (*answers, error) {
	if !x.set.Rueckweisung.Send {
		return nil, nil
	}
	out, err := openOutbox(filepath.Join(x.set.Dir, "rueckweisung"), x.set.Remember)
	if err != nil {
		return nil, err
	}
	a := &answers{
		sender:   &sender{set: x.set, service: x.service, out: out, production: production, log: x.log},
		messages: &source{xsd: x.messages.xsd, sentTo: newPerHour(x.set.Rueckweisung.Hourly), log: x.log}, aside: x.aside, wake: make(chan struct{}, 1),
	}
	a.messages.set.Messages = x.set.Messages
	a.messages.set.Leser = nil // the author is always the account
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
func (a *answers) write(ctx context.Context, m *xoev.Message, f *xta.Fetched, messageID string, cause error) error {
	if a == nil {
		return nil
	}
	code, ok := a.set.Rueckweisung.sends(cause)
	if !ok || !answerable(m) {
		return nil
	}
	c := &consignment{id: answerID(m), Begun: time.Now().UTC()}
	if before, err := a.out.load(c.id); before != nil || err != nil {
		return a.answered(c.id, before, err)
	}
	if reason := a.unanswered(m, f); reason != "" {
		a.log.Warn("xta: no Rückweisung was written: "+reason,
			zap.String("message", m.UUID), zap.String("xtamessageid", messageID), zap.String("code", code))
		return nil
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
	if err := a.lay(ctx, c, rejection, messageID, m.IsTest); err != nil {
		return err
	}
	a.messages.sentTo.count(m.Autor.Kennung)
	a.log.Info("xta: Rückweisung written", zap.String("message", m.UUID), zap.String("rueckweisung", id), zap.String("code", code))
	return nil
}

// unanswered says why a message gets no answer, "" if it gets one. A Rückweisung
// contains the message: it must not go to one who has not sent it, only because
// the message names him.
func (a *answers) unanswered(m *xoev.Message, f *xta.Fetched) string {
	another := f.MetaData == nil || fold(f.MetaData.Author.Kennung) != fold(m.Autor.Kennung)
	switch {
	case another && xmeld.SperrenIn(m) != nil:
		return "the transport names another author than the message, and the message has a block"
	case another && !a.set.Rueckweisung.Others:
		return "the transport names another author than the message (rueckweisung.fuer-andere is off)"
	case a.messages.sentTo.full(m.Autor.Kennung):
		return "its reader got as many as rueckweisung.je-stunde allows"
	}
	return ""
}

// answered is what follows when there is a record already. One that cannot be
// read may say that the message was answered, so it is not answered again. One
// that is not done and not on its way was left by a failure to write.
func (a *answers) answered(id string, before *consignment, err error) error {
	switch {
	case err != nil:
		a.log.Error("xta: no Rückweisung was written: its record cannot be read", zap.String("rueckweisung", id), zap.Error(err))
	case before.State != done && !a.waits(id):
		if before.State == written { // whether that is durable is not known
			if err := a.out.save(before, written); err != nil {
				return err
			}
		}
		a.enqueue(id)
		a.signal()
	}
	return nil
}

func (a *answers) waits(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.waiting, func(w *unsent) bool { return w.id == id })
}

func (a *answers) enqueue(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, &unsent{id: id})
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
func (a *answers) lay(ctx context.Context, c *consignment, rejection []byte, messageID string, test bool) error {
	if err := a.out.add(c, bytes.NewReader(rejection), consignedFile{ContentType: "text/xml"}); err != nil {
		return err
	}
	if err := a.alive(); err != nil {
		return err
	}
	back, err := a.readBack(c)
	if err == nil {
		c.Files[0].Filename = back.Element + ".xml"
		c.Meta, err = a.metaData(back, c, test)
	}
	if err == nil {
		err = a.messages.validRejection(ctx, rejection)
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
	if err := a.alive(); err != nil {
		return err
	}
	a.enqueue(c.id)
	a.signal()
	return nil
}

// alive lets tests end the process here.
func (a *answers) alive() error {
	if a.step == nil {
		return nil
	}
	return a.step()
}
