package akdb

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

// The codes of refused messages are those of the code list
// urn:de:xinneres:codeliste:fehlercodes, version 3, with "xoev-" before them.
const (
	notWellFormed = "xoev-x000"
	notValid      = "xoev-x001"
	notUTF8       = "xoev-s001"
	badCode       = "xoev-s011"
	emptyText     = "xoev-s030"
	otherwise     = "xoev-s999"
	wrongReader   = "xoev-t080"
	noVersion     = "xoev-v000"
)

// refusal gives what is wrong with a message its code. Errors that are not the
// message's fault stay as they are and are tried again.
func refusal(err error) error {
	if refused, ok := errors.AsType[*xmlguard.Error](err); ok {
		if refused.Code == xmlguard.Encoding {
			return hub.Permanent(notUTF8, "read message: %w", err)
		}
		return hub.Permanent(notWellFormed, "read message: %w", err)
	}
	if wrong, ok := errors.AsType[*xmeld.StructureError](err); ok {
		return hub.Permanent("xoev-"+strings.ToLower(wrong.Code), "read message: %w", err)
	}
	if errors.Is(err, xoev.ErrContainer) {
		return hub.Permanent(notWellFormed, "read message: %w", err)
	}
	return err
}

// admit checks the header against where and who we are.
func (s *source) admit(m *xoev.Message) error {
	switch {
	case m.Dialect == xoev.NoHeader:
		return hub.Permanent(notValid, "%w", xoev.ErrNoHeader)
	case m.IsTest && s.production: // before all that a Rückweisung may be sent for
		return hub.Permanent(otherwise, "a test message (attribute test) in production")
	case unnamed(m) != "":
		return hub.Permanent(notValid, "%s", unnamed(m))
	case !s.reads(m):
		return hub.Permanent(wrongReader, "the message names another reader (leser)")
	case s.set.Strict && !m.Agrees():
		return hub.Permanent(badCode, "root element and nachrichtentyp name different messages")
	}
	return nil
}

// unnamed says what a header lacks to say which message this is, or what of it no
// event can carry; "" if nothing.
func unnamed(m *xoev.Message) string {
	k := m.Kopf()
	switch {
	case k.Namespace == "":
		return "the root element has no namespace"
	case k.Code == "":
		return "neither root element nor nachrichtentyp say which message it is"
	}
	if isXdomea(m) && len(m.Autor.Kennung) > longestKey {
		return "the header has a key that is too long"
	}
	for _, part := range []struct {
		text string
		most int
	}{{k.Standard, 80}, {k.Version, 40}, {k.Namespace, 300}, {k.Element, 300}, {k.ProzessID, 200}, {k.Code, 40}, {k.Leser.Kennung, longestKey}} {
		if utf8.RuneCountInString(part.text) > part.most {
			return "the header has a name or code that is too long"
		}
	}
	return ""
}

// reads says whether the message is for us. xdomea may name its reader without
// a key; then there is nothing to compare.
func (s *source) reads(m *xoev.Message) bool {
	if len(s.set.Leser) == 0 || isXdomea(m) && !isKey(m.Leser.Kennung) {
		return true
	}
	return slices.ContainsFunc(s.set.Leser, func(own string) bool { return strings.EqualFold(own, m.Leser.Kennung) })
}
