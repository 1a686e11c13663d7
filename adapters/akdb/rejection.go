package akdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

// rejections are the settings of Rückweisungen (XInneres 0010) that are sent.
type rejections struct {
	Send  bool     `yaml:"senden"` // off unless the reading authority wants it
	Codes []string `yaml:"codes"`  // for which; all of sendersFault when empty
}

// sendersFault are the codes that only the sender can do something about. Not
// among them: what is not even well-formed, or not UTF-8 (nobody knows whom to
// answer), S100 (the hub knows repetitions by itself), S999 (a test message here).
var sendersFault = []string{"X001", "V000", "S010", "S011", "S020", "S030", "T080"}

func (r rejections) check(autor xmeld.Behoerde, s hub.Settings) error {
	for _, code := range r.Codes {
		if !slices.Contains(sendersFault, code) {
			return s.Errorf("rueckweisung.codes", "%q is not the sender's fault (possible: %s)", code, strings.Join(sendersFault, ", "))
		}
	}
	if r.Send && autor == (xmeld.Behoerde{}) {
		return s.Errorf("kopf.autor", "is missing: it is the author of a Rückweisung")
	}
	return nil
}

// receipts are the settings of Quittungen (XInneres 0020) that are sent.
type receipts struct {
	Send bool `yaml:"senden"` // off unless the reading authority wants it
	// Sachverhalt is what the application acknowledges; the event does not say it.
	Sachverhalt string `yaml:"sachverhalt"`
}

func (r receipts) check(autor xmeld.Behoerde, s hub.Settings) error {
	switch {
	case !r.Send:
		return nil
	case !slices.Contains(xmeld.Sachverhalte, r.Sachverhalt):
		return s.Errorf("quittung.sachverhalt", "must say what is acknowledged (possible: %s)", strings.Join(xmeld.Sachverhalte, ", "))
	case autor == (xmeld.Behoerde{}):
		return s.Errorf("kopf.autor", "is missing: it is the author of a Quittung")
	}
	return nil
}

// sends says whether the reason of a refusal is one to send the message back for.
func (r rejections) sends(cause error) (code string, ok bool) {
	f := hub.FaultOf(cause)
	if !r.Send || f == nil || !f.Permanent {
		return "", false
	}
	code, ok = strings.CutPrefix(f.Code, "xoev-")
	code = strings.ToUpper(code)
	return code, ok && r.sendsCode(code)
}

func (r rejections) sendsCode(code string) bool {
	if len(r.Codes) == 0 {
		return slices.Contains(sendersFault, code)
	}
	return slices.Contains(r.Codes, code)
}

// answerable says whether a message may be answered by a Rückweisung: it is one
// of the standards of XInneres, its author can be addressed, and it is no answer
// of this kind itself, or two hubs would never end.
func answerable(m *xoev.Message) bool {
	if m == nil || !uuidForm.MatchString(m.UUID) || !keyForm.MatchString(m.Autor.Kennung) || m.Autor.Name == "" {
		return false
	}
	if strings.HasPrefix(m.Namespace, "http://www.osci.de/xinneres/") || slices.Contains(neverAnswered, m.Number()) {
		return false
	}
	return strings.HasPrefix(m.Namespace, "http://www.osci.de/") || strings.HasPrefix(m.Namespace, "http://xpsw.domap.de/")
}

// neverAnswered are XMeld's own receipts and returned messages.
var neverAnswered = []string{xmeld.Rueckweisung, xmeld.SachverhaltQuit, xmeld.Quittung, "0603", "0900", "0910", "0928"}

// sendBack writes a Rückweisung to out/ when the refusal is one to send back for.
// Its bytes depend on the message and its file's time alone: after a crash the
// same Rückweisung is written again.
func (s *source) sendBack(f dropfolder.File, m *xoev.Message, cause error) error {
	code, ok := s.set.Rueckweisung.sends(cause)
	if !ok || !answerable(m) {
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
	s.log.Info("Rückweisung written", zap.String("message", m.UUID), zap.String("rueckweisung", id), zap.String("code", code))
	return s.folder.Write(xmeld.StandardRueckweisung+"_"+xmeld.Rueckweisung+"_"+id+".xml", rejection)
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
// bytes and the reason. transport is the id under which the message came, if any.
func (s *source) rejection(
	m *xoev.Message, content []byte, created time.Time, code, transport string,
) (id string, rejection []byte, err error) {
	sum := sha256.Sum256(content)
	id = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:xoev-de:xinneres:rueckweisung "+hex.EncodeToString(sum[:])+" "+code)).String()
	v := xmeld.Envelope{
		UUID: id, Created: created, Autor: s.set.Kopf.Autor, Produkt: s.set.Kopf.Produkt,
		Leser: xmeld.Behoerde{Kennung: m.Autor.Kennung, Name: m.Autor.Name},
	}
	if slices.Contains(s.set.Leser, m.Leser.Kennung) { // one of ours, of several
		v.Autor.Kennung, v.Autor.Name = named(xoev.Stelle(m.Leser), v.Autor)
	}
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
	if failed := s.sendBack(f, m, err); failed != nil {
		return fmt.Errorf("send message back: %w", failed)
	}
	return err
}
