// Package xoev reads what the messages of all XÖV standards have in common: the
// header (Nachrichtenkopf), in the dialects found in real messages, and the ZIP
// container in which xdomea travels. It knows no standard's payload.
package xoev

import (
	"errors"
	"strings"
)

// Dialect names how a standard writes its header.
type Dialect string

// The dialects of real messages.
const (
	// G2GUnqualified is nachrichtenkopf.g2g in no namespace: XMeld,
	// XPersonenstand from 25.11 on, XInneres 7, XBau, XWasser.
	G2GUnqualified Dialect = "g2g-unqualified"
	// G2GQualified is the same in the namespaces of XÖV's base message:
	// XBeteiligung.
	G2GQualified Dialect = "g2g-qualified"
	// XInneresAlt is nachrichtenkopf with behoerdenkennung: XPersonenstand up to
	// 25.05.
	XInneresAlt Dialect = "xinneres-alt"
	// XGewerbeanzeige is the same in the namespace of XGewerbeanzeige 2.x.
	XGewerbeanzeige Dialect = "xgewerbeanzeige"
	// XdomeaKopf is the Kopf of xdomea 2.3 to 3.1; it has no nachrichtenUUID.
	XdomeaKopf Dialect = "xdomea-kopf"
	// Xdomea4 is the nachrichtenkopf of xdomea 4; it has no authority keys.
	Xdomea4 Dialect = "xdomea4"
	// NoHeader marks a document in which no header was found.
	NoHeader Dialect = "KEIN-KOPF"
)

// Header is what a message says about itself. A field that the dialect or the
// message does not have is empty.
type Header struct {
	Dialect   Dialect
	Namespace string // of the root element
	Element   string // local name of the root element: fortschreibung.tod.0040
	Standard  string // root attribute, "XMeld"
	Version   string // root attribute, "25.11a"
	Test      string // root attribute
	IsTest    bool   // the attribute test is there, whatever it says
	UUID      string // nachrichtenUUID, lower case
	ProcessID string // ProzessID of xdomea
	Code      string // nachrichtentyp: "0040"
	// CodeList and CodeListVersion are listURI and listVersionID of nachrichtentyp.
	CodeList, CodeListVersion string
	Created                   string // erstellungszeitpunkt as written; see ParseTime
	Autor                     Party
	Leser                     Party
}

// Party is an authority as the header names it: its DVDV key (ags:09162000)
// and its name.
type Party struct{ Kennung, Name string }

// Ereignis is one case of a message that carries several (Sammelnachricht).
type Ereignis struct {
	Zeitpunkt string `json:"zeitpunkt"` // in event data with a zone
	Zeichen   string `json:"zeichen"`
}

// ErrNoHeader says that a document is well-formed and no XÖV message.
var ErrNoHeader = errors.New("no XÖV header (Nachrichtenkopf) found")

// Agrees says whether the number at the end of the root element's name is the
// message type that the header names. Real test messages disagree; the root
// element is then the one to believe.
func (h *Header) Agrees() bool {
	return h.Code == "" || strings.HasSuffix(h.Element, "."+h.Code)
}

// Number is the message number: the last part of the root element's name if it
// is one, else the header's code.
func (h *Header) Number() string {
	last := h.Element[strings.LastIndexByte(h.Element, '.')+1:]
	if len(last) >= 4 && strings.Trim(last, "0123456789") == "" {
		return last
	}
	return h.Code
}
