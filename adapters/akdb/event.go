package akdb

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// Extension attributes of XÖV-born events.
const (
	attrStandard = "xoevstandard"
	attrVersion  = "xoevversion"
	attrMsgType  = "xoevmsgtype"
	attrAutor    = "xoevautor"
	attrLeser    = "xoevleser"
	attrTest     = "xoevtest"
)

const schemaPrefix = "urn:amtsbote:schema:"

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// events makes the events of a message, in its order, after storing what they
// refer to. None is published before all of them can be made.
func (s *source) events(ctx context.Context, blobs hub.Blobs, m *xoev.Message, bodies []*body, original *xoev.Original) ([]hub.Event, error) {
	all := xmeld.SperrenOf(m.Blocks...)
	events := make([]hub.Event, 0, len(bodies))
	for _, b := range bodies {
		if err := b.attach(ctx, blobs, original, all); err != nil {
			return nil, err
		}
		e, err := s.event(m, b, original)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// event puts a message's body into a CloudEvent.
func (s *source) event(m *xoev.Message, b *body, original *xoev.Original) (hub.Event, error) {
	id, err := eventID(m, original)
	if err != nil {
		return hub.Event{}, err
	}
	autor, err := s.author(m)
	if err != nil {
		return hub.Event{}, err
	}
	created, err := xoev.ParseTime(m.Created)
	if err != nil {
		return hub.Event{}, hub.Permanent(notValid, "erstellungszeitpunkt: %w", err)
	}
	data, err := json.Marshal(b.data)
	if err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	e := cloudevents.New()
	e.SetID(caseID(id, b.number))
	e.SetSource(s.set.SourcePrefix + url.PathEscape(autor))
	e.SetType(b.eventType)
	e.SetTime(created)
	e.SetDataSchema(schemaPrefix + b.eventType)
	for name, value := range attributes(m, b, id) {
		if value != "" {
			e.SetExtension(name, value)
		}
	}
	if err := e.SetData("application/json", data); err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	return e, nil
}

func attributes(m *xoev.Message, b *body, id string) map[string]string {
	correlation := b.correlationID
	if !uuidForm.MatchString(correlation) {
		correlation = id
	}
	kopf := m.Kopf()
	if kopf.Standard == xoev.Unknown {
		kopf.Standard, kopf.Version = "", ""
	}
	all := map[string]string{
		hub.AttrCorrelationID: correlation,
		hub.AttrCausationID:   b.causationID,
		hub.AttrAGS:           b.ags,
		attrStandard:          plain(kopf.Standard),
		attrVersion:           plain(kopf.Version),
		attrMsgType:           plain(m.Number()),
		attrAutor:             key(m.Autor.Kennung),
		attrLeser:             key(m.Leser.Kennung),
	}
	if m.IsTest {
		all[attrTest] = "true"
	}
	return all
}

// caseID is the id of one case of a message: that of the message, with the number
// of the case if there are several.
func caseID(message string, number int) string {
	if number == 0 {
		return message
	}
	return message + "." + strconv.Itoa(number)
}

// plain lets only short printable text into an attribute.
func plain(s string) string {
	if len(s) > 100 || strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return ""
	}
	return s
}

// eventID is the nachrichtenUUID. xdomea up to 3.1 has none: there it is made
// of process, message and bytes, so that the same file has the same id again.
func eventID(m *xoev.Message, original *xoev.Original) (string, error) {
	switch {
	case uuidForm.MatchString(m.UUID):
		return m.UUID, nil
	case m.UUID != "" || m.ProcessID == "" || !isXdomea(m):
		return "", hub.Permanent(notValid, "nachrichtenUUID is missing or no UUID")
	}
	name := strings.Join([]string{m.ProcessID, m.Number(), original.SHA256}, " ")
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:xoev-de:xdomea "+name)).String(), nil
}

// author gives the key of the authority that the event comes from. In xdomea the
// key is optional, and what real messages have there need be none.
func (s *source) author(m *xoev.Message) (string, error) {
	switch {
	case isKey(m.Autor.Kennung):
		return m.Autor.Kennung, nil
	case m.Autor.Kennung != "" && !isXdomea(m):
		return "", hub.Permanent(badCode, "the author's key (autor) is no DVDV key")
	case s.set.OhneKennung == "":
		return "", hub.Permanent(emptyText, "the message names no author's key, and the setting ohne-kennung is not set")
	}
	return s.set.OhneKennung, nil
}

func isKey(kennung string) bool { return len(kennung) <= longestKey && keyForm.MatchString(kennung) }

// key lets only keys into an attribute: what xdomea has there may be free text.
func key(kennung string) string {
	if !isKey(kennung) {
		return ""
	}
	return kennung
}

// isXdomea says whether xdomea's rules hold. Its header alone does not decide: the
// sender chooses it, and with it would choose how strictly it is looked at.
func isXdomea(m *xoev.Message) bool {
	return strings.HasPrefix(m.Namespace, xdomeaSpace) && (m.Dialect == xoev.XdomeaKopf || m.Dialect == xoev.Xdomea4)
}

const xdomeaSpace = "urn:xoev-de:xdomea:schema:"

const longestKey = 100
