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
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// sendBack writes a Rückweisung to out/ when the refusal is one to send back for.
// Its bytes depend on the message and its file's time alone: after a crash the
// same Rückweisung is written again.
func (s *source) sendBack(ctx context.Context, f dropfolder.File, m *xoev.Message, cause error) error {
	code, ok := s.set.Rueckweisung.sends(cause)
	if !ok || !answerable(m) {
		return nil
	}
	if s.sentTo.full(m.Autor.Kennung) {
		s.log.Warn("no Rückweisung was written: its reader got as many as rueckweisung.je-stunde allows", zap.String("message", m.UUID), zap.String("code", code))
		return nil
	}
	content, written, err := contentOf(f)
	if err != nil {
		return err
	}
	if content == nil {
		s.log.Warn("no Rückweisung was written: the message is too large to be sent back", zap.String("message", m.UUID))
		return nil
	}
	id, rejection, err := s.rejection(m, content, written, code, "")
	if wrong, ok := errors.AsType[*xmlout.UnmappableError](err); ok {
		s.log.Warn("no Rückweisung was written", zap.String("message", m.UUID), zap.String("field", wrong.Field))
		return nil
	}
	if err != nil {
		return err
	}
	name := xmeld.StandardRueckweisung + "_" + xmeld.Rueckweisung + "_" + id + ".xml"
	if err := s.validRejection(ctx, rejection); err != nil {
		return s.keepBack(name, rejection, err)
	}
	if err := s.folder.Write(name, rejection); err != nil {
		return err
	}
	s.sentTo.count(m.Autor.Kennung)
	s.log.Info("Rückweisung written", zap.String("message", m.UUID), zap.String("rueckweisung", id), zap.String("code", code))
	return nil
}

// validRejection holds a Rückweisung that is about to leave against its XSD.
func (s *source) validRejection(ctx context.Context, rejection []byte) error {
	if s.xsd == nil {
		return nil
	}
	h, err := headerOf(rejection)
	if err != nil {
		return fmt.Errorf("read Rückweisung: %w", err)
	}
	return checkXSD(ctx, s.xsd, h, bytes.NewReader(rejection), int64(len(rejection)))
}

// keepBack lays a Rückweisung that breaks its XSD where people look. What says
// nothing about it is an error, and the message waits.
func (s *source) keepBack(name string, rejection []byte, cause error) error {
	if fault := hub.FaultOf(cause); !fault.Permanent {
		return cause
	}
	s.log.Error("a Rückweisung is not sent and is set aside", zap.Error(cause))
	dir := s.folder.Places().SetAside
	temp := filepath.Join(dir, "."+name+".part")
	if err := dropfolder.WriteSynced(temp, rejection); err != nil {
		return fmt.Errorf("set Rückweisung aside: %w", err)
	}
	return dropfolder.SetAside(dir, temp, name, cause)
}

// mostSentBack bounds what is held in memory to build a Rückweisung, which
// contains the message. Messages of XInneres have some kilobytes.
const mostSentBack = 8 << 20

// contentOf reads the file; nil when it is too large to be sent back.
func contentOf(f dropfolder.File) (content []byte, written time.Time, err error) {
	r, err := f.Open()
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = r.Close() }()
	info, err := r.Stat()
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("look at file: %w", err)
	}
	if info.Size() > mostSentBack {
		return nil, time.Time{}, nil
	}
	content, err = io.ReadAll(io.LimitReader(r, info.Size()))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read file: %w", err)
	}
	return content, info.ModTime(), nil
}

// rejection builds the Rückweisung of a message. Its id is made of the message's
// bytes, the reason and who refuses it, since several may get the same. transport is the id under which the message came, if any.
func (s *source) rejection(
	m *xoev.Message, content []byte, created time.Time, code, transport string,
) (id string, rejection []byte, err error) {
	sum := sha256.Sum256(content)
	v := xmeld.Envelope{
		Created: created, Autor: s.set.Kopf.Autor, Produkt: s.set.Kopf.Produkt,
		Leser: xmeld.Behoerde{Kennung: m.Autor.Kennung, Name: m.Autor.Name},
	}
	if slices.Contains(s.set.Leser, m.Leser.Kennung) { // one of ours, of several
		v.Autor.Kennung, v.Autor.Name = named(xoev.Stelle(m.Leser), v.Autor)
	}
	name := strings.Join([]string{hex.EncodeToString(sum[:]), code, strings.ToLower(v.Autor.Kennung)}, " ")
	id = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:xoev-de:xinneres:rueckweisung "+name)).String()
	v.UUID = id
	if m.IsTest {
		v.Test = &m.Test
	}
	rejection, err = xmeld.WriteRueckweisung(v, &xmeld.Zurueckweisung{
		Gruende: []xmeld.Rueckweisgrund{{Code: code}}, Transportnachricht: transport,
	}, content)
	return id, rejection, err
}

// takeOrSendBack is what becomes of one file: events, or set aside, and then
// perhaps sent back.
func (s *source) takeOrSendBack(ctx context.Context, in hub.Intake, f dropfolder.File) error {
	m, err := s.take(ctx, in, input{opener: f})
	if err == nil {
		return nil
	}
	if failed := s.sendBack(ctx, f, m, err); failed != nil {
		return fmt.Errorf("send message back: %w", failed)
	}
	return err
}
