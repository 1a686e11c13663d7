// Package xpsw turns the notices of XPersonenstand about births and deaths into
// event data: stA2MB 031010 and 035010 (registry office to registration
// authority), portal2StA 081020 and 084020 (hospital or undertaker to registry
// office).
//
// UNVERIFIED: it was written from the public schemas of XPersonenstand 25.11 and
// two public test messages; neither is kept beside the project. So it never
// refuses: what is not where it looks leaves the message without a type of its
// own.
package xpsw

import (
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Codes of the messages that have a type of their own.
const (
	Geburt         = "031010" // stA2MB.Geburt
	Sterbefall     = "035010" // stA2MB.Sterbefall
	Geburtsanzeige = "081020" // portal2StA.Geburt
	Sterbeanzeige  = "084020" // portal2StA.Sterbefall
)

// Standard as it stands in the root attribute.
const Standard = "XPersonenstand"

// Types of the events that stand for them.
const (
	TypeGeburt         = "de.geburt.beurkundet.v1"
	TypeSterbefall     = "de.tod.beurkundet.v1"
	TypeGeburtsanzeige = "de.geburt.angezeigt.v1"
	TypeSterbeanzeige  = "de.tod.angezeigt.v1"
)

const namespace = "http://xpsw.domap.de/xpsw"

// Typed says whether a message with this root may have event data of its own, for
// xoev.Read.
func Typed(root *xmlguard.Element) bool {
	if !strings.HasPrefix(root.Space, namespace) {
		return false
	}
	h := xoev.Header{Element: root.Local}
	switch h.Number() {
	case Geburt, Sterbefall, Geburtsanzeige, Sterbeanzeige:
		return true
	}
	return false
}

// Read gives the type and the data of the event, and ok false when the message
// is not built as expected; then it has no type of its own. attach puts the
// original into the data.
func Read(m *xoev.Message) (eventType string, data any, attach func(*xoev.Original), ok bool) {
	r := reader{ok: keyForm.MatchString(m.Autor.Kennung) && keyForm.MatchString(m.Leser.Kennung)}
	kopf := m.Kopf()
	switch m.Number() {
	case Geburt:
		d := r.geburt(m.Tree, &kopf)
		return TypeGeburt, d, func(o *xoev.Original) { d.Original = o }, r.ok
	case Sterbefall:
		d := r.sterbefall(m.Tree, &kopf)
		return TypeSterbefall, d, func(o *xoev.Original) { d.Original = o }, r.ok
	case Geburtsanzeige:
		d := r.geburtsanzeige(m.Tree, &kopf)
		return TypeGeburtsanzeige, d, func(o *xoev.Original) { d.Original = o }, r.ok
	case Sterbeanzeige:
		d := r.sterbeanzeige(m.Tree, &kopf)
		return TypeSterbeanzeige, d, func(o *xoev.Original) { d.Original = o }, r.ok
	}
	return "", nil, nil, false
}
