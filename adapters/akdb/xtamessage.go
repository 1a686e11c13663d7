package akdb

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// Codes of what is set aside because of its transport.
const (
	encrypted     = "xta-encrypted"
	notReadable   = "xta-container"
	triesInAFetch = 5
)

// entry takes one message out of the box: getMessage, store, publish, and only
// after the hub's acknowledgement, or when it was set aside, close.
func (x *xtaSource) entry(ctx context.Context, in hub.Intake, page *xta.Page, e wire.Entry) error {
	f, err := x.service.Fetch(ctx, e.MessageID)
	if err != nil {
		return x.notFetched(ctx, e, err)
	}
	delete(x.failures, fold(e.MessageID))
	defer f.Close()
	m, err := x.take(ctx, in, f)
	if fault := hub.FaultOf(err); fault != nil && fault.Permanent {
		err = x.refuse(ctx, m, e, f, err)
	}
	if err != nil {
		return fmt.Errorf("message %s: %w", e.MessageID, err)
	}
	return x.close(ctx, page, f, e)
}

// notFetched decides about a message that could not be fetched. One that is not
// there any more was closed elsewhere. One that fails again and again stays on
// the server, and the others go around it.
func (x *xtaSource) notFetched(ctx context.Context, e wire.Entry, err error) error {
	id := fold(e.MessageID)
	switch class := wire.ClassOf(err); {
	case ctx.Err() != nil || class == wire.Stop:
		return err
	case class == wire.Unknown:
		x.log.Info("xta: a message was closed elsewhere", zap.String("xtamessageid", e.MessageID))
		delete(x.failures, id)
		return nil
	}
	x.failures[id]++
	err = fmt.Errorf("fetch message %s: %w", e.MessageID, err)
	if x.failures[id] < triesInAFetch {
		return err
	}
	if x.failures[id] == triesInAFetch {
		x.log.Error("xta: a message cannot be fetched and stays on the server; those behind it go around it",
			zap.String("xtamessageid", e.MessageID), zap.Error(err))
	}
	return passedOver{err}
}

// take makes the message an event, through the same code as a file.
func (x *xtaSource) take(ctx context.Context, in hub.Intake, f *xta.Fetched) (*xoev.Message, error) {
	c, err := f.Container()
	switch _, form := errors.AsType[*wire.FormError](err); {
	case errors.Is(err, wire.ErrEncrypted):
		return nil, hub.Permanent(encrypted, "%w: the hub has no key", err)
	case form:
		return nil, hub.Permanent(notReadable, "%w", err)
	case errors.Is(err, wire.ErrTooLarge):
		return nil, hub.Permanent("too-large", "%w", err)
	case err != nil:
		return nil, err
	}
	message := input{opener: contentFile{c.Message.Content}, test: f.MetaData != nil && f.MetaData.Test}
	for _, a := range c.Attachments {
		message.attachments = append(message.attachments, attachment{contentFile{a.Content}, a.ContentType, a.Filename})
	}
	return x.messages.take(ctx, in, message)
}

// contentFile opens fetched content as a file.
type contentFile struct{ wire.Content }

func (c contentFile) Open() (*os.File, error) { return c.File() }

// close tells the server that it can give the message up. That it has already is
// as good.
func (x *xtaSource) close(ctx context.Context, page *xta.Page, f *xta.Fetched, e wire.Entry) error {
	requestID := f.RequestID
	if x.set.CloseWith == closeWithList || requestID == "" {
		requestID = page.RequestID
	}
	err := x.service.Close(ctx, requestID, e.MessageID)
	if err == nil || wire.ClassOf(err) == wire.Unknown {
		return nil
	}
	err = fmt.Errorf("close message %s: %w", e.MessageID, err)
	if ctx.Err() != nil || wire.ClassOf(err) == wire.Stop {
		return err
	}
	return passedOver{err} // its event is stored; the next whole round closes it
}

// refuse is what becomes of a message that cannot become an event. Its Rückweisung
// is written down first, since the message is there no more after close.
func (x *xtaSource) refuse(ctx context.Context, m *xoev.Message, e wire.Entry, f *xta.Fetched, cause error) error {
	if err := x.answers.write(ctx, m, f, e.MessageID, cause); err != nil {
		return fmt.Errorf("write Rückweisung: %w", err)
	}
	return x.setAside(e, f, cause)
}

// setAside keeps a message that cannot become an event, durably: from close on
// the server has it no more. Alone it is kept as its bytes, with attachments, or
// when nothing can be made of it, as a ZIP of its parts.
func (x *xtaSource) setAside(e wire.Entry, f *xta.Fetched, cause error) error {
	name := asideName(e.MessageID)
	parts, ending, packed := f.Raw(), ".zip", true
	if c, err := f.Container(); err == nil && len(c.Attachments) == 0 {
		parts, ending, packed = []wire.Content{c.Message.Content}, endingOf(c.Message.Content), false
	}
	path, err := x.keep(parts, packed)
	if err != nil {
		return fmt.Errorf("set message aside: %w", err)
	}
	if err := dropfolder.SetAside(x.aside, path, name+ending, cause); err != nil {
		return err
	}
	x.log.Warn("xta: message set aside", zap.String("xtamessageid", e.MessageID), zap.String("code", hub.FaultOf(cause).Code))
	return nil
}

// endingOf tells a container from XML.
func endingOf(c wire.Content) string {
	f, err := c.File()
	if err != nil {
		return ".xml"
	}
	defer func() { _ = f.Close() }()
	if mediaType(f) == zipType {
		return ".zip"
	}
	return ".xml"
}

// asideName is the message id as a file's name, the same for each fetching of it,
// and its own: ids are compared without case.
func asideName(id string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, strings.TrimPrefix(fold(id), "urn:de:xta:messageid:"))
	sum := sha256.Sum256([]byte(fold(id)))
	return name[:min(len(name), 120)] + "~" + hex.EncodeToString(sum[:4])
}

// keep writes the parts into one synced file in work/.
func (x *xtaSource) keep(parts []wire.Content, packed bool) (path string, err error) {
	w, err := os.CreateTemp(x.work, "xta-*.part")
	if err != nil {
		return "", err
	}
	if packed {
		err = pack(w, parts)
	} else {
		err = copyContent(w, parts[0])
	}
	if err == nil {
		err = w.Sync()
	}
	return filepath.Clean(w.Name()), errors.Join(err, w.Close())
}

func pack(w io.Writer, parts []wire.Content) error {
	z := zip.NewWriter(w)
	for i, p := range parts {
		name := "umschlag.xml"
		if i > 0 {
			name = fmt.Sprintf("teil-%d", i)
		}
		entry, err := z.Create(name)
		if err != nil {
			return err
		}
		if err := copyContent(entry, p); err != nil {
			return err
		}
	}
	return z.Close()
}

func copyContent(w io.Writer, c wire.Content) error {
	r, err := c.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	_, err = io.Copy(w, r)
	return err
}

// fold makes message ids comparable.
func fold(id string) string { return strings.ToLower(strings.TrimSpace(id)) }
