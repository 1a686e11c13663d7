package akdb

import (
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// rejections are the settings of Rückweisungen (XInneres 0010) that are sent.
type rejections struct {
	Send  bool     `yaml:"senden"` // off unless the reading authority wants it
	Codes []string `yaml:"codes"`  // for which; all of sendersFault when empty
	// Others says whether an author is answered for whom another one has sent (XTA).
	Others bool `yaml:"fuer-andere"`
	// Hourly is the most that one author gets in an hour.
	Hourly int `yaml:"je-stunde"`
}

const defaultHourly = 60

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
	if r.Hourly < 1 {
		return s.Errorf("rueckweisung.je-stunde", "must be at least 1")
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
	if m == nil || !uuidForm.MatchString(m.UUID) || !isKey(m.Autor.Kennung) || m.Autor.Name == "" {
		return false
	}
	if strings.HasPrefix(m.Namespace, "http://www.osci.de/xinneres/") || slices.Contains(neverAnswered, m.Number()) || isAnswer(m) {
		return false
	}
	return strings.HasPrefix(m.Namespace, "http://www.osci.de/") || strings.HasPrefix(m.Namespace, "http://xpsw.domap.de/")
}

// neverAnswered are XMeld's own receipts and returned messages.
var neverAnswered = []string{xmeld.Rueckweisung, xmeld.SachverhaltQuit, xmeld.Quittung, "0603", "0900", "0910", "0928"}

// isAnswer tells by its name, in whatever standard, a message that brings another one
// back or confirms it.
func isAnswer(m *xoev.Message) bool {
	name := strings.ToLower(m.Element)
	return xmeld.BringsBack(m) || slices.ContainsFunc(answerNames, func(part string) bool { return strings.Contains(name, part) })
}

var answerNames = []string{
	"rückweisung", "quittung", "quittieren", "empfangsbestaetigung", "eingangsbestaetigung", "fehlermeldung", "fehlernachricht",
}
