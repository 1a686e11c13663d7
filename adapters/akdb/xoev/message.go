package xoev

import (
	"io"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// maxEreignisse is how many cases of one message are listed; the original has
// them all.
const maxEreignisse = 1000

// Message is a message as far as it was asked for.
type Message struct {
	Header
	// Ereignisse are the cases of the message, at most 1000.
	Ereignisse []Ereignis
	// Origin is the nachrichtenUUID of the message that this one answers
	// (ursprungsnachricht), lower case, "" if it answers none.
	Origin string
	// Tree is the whole message, nil unless it was wanted.
	Tree *xmlguard.Element
}

// Read goes through one message. whole decides by the root element, whose name
// and attributes are known, whether the message's tree is kept; nil keeps none.
//
// A refused document gives an *xmlguard.Error. A well-formed document without
// header gives a Message with Dialect NoHeader and no error.
func Read(r io.Reader, limits xmlguard.Limits, whole func(root *xmlguard.Element) bool) (*Message, error) {
	doc, err := xmlguard.Read(r, limits, func(depth int, e *xmlguard.Element) bool {
		switch depth {
		case 1:
			return whole != nil && whole(e)
		case 2:
			return isHeader(e) || e.Local == ereignisName || e.Local == originName
		}
		return e.Local == ereignisName
	})
	if err != nil {
		return nil, err
	}
	return message(doc), nil
}

// ReadHeader reads a message's header and checks the rest of the document.
func ReadHeader(r io.Reader, limits xmlguard.Limits) (*Header, error) {
	m, err := Read(r, limits, nil)
	if err != nil {
		return nil, err
	}
	return &m.Header, nil
}

func message(doc *xmlguard.Document) *Message {
	m := &Message{Header: rootOf(doc.Root)}
	parts := doc.Parts
	if len(parts) == 1 && parts[0] == doc.Root {
		m.Tree = doc.Root
		parts = doc.Root.Children
	}
	for _, part := range parts {
		switch {
		case m.Dialect == NoHeader && isHeader(part):
			m.fill(part)
		case part.Local == originName:
			m.Origin = strings.ToLower(part.Value("nachrichtenUUID"))
		default:
			m.collect(part)
		}
	}
	return m
}

func rootOf(root *xmlguard.Element) Header {
	h := Header{Dialect: NoHeader, Namespace: root.Space, Element: root.Local}
	h.Standard, _ = root.Attr("standard")
	h.Version, _ = root.Attr("version")
	h.Test, h.IsTest = root.Attr("test")
	return h
}

const (
	ereignisName = "identifikation.ereignis"
	originName   = "ursprungsnachricht"
)

// collect adds the cases found in e and below.
func (m *Message) collect(e *xmlguard.Element) {
	if len(m.Ereignisse) >= maxEreignisse {
		return
	}
	if e.Local == ereignisName {
		m.Ereignisse = append(m.Ereignisse, Ereignis{
			Zeitpunkt: e.Value("ereignis.zeitpunkt"), Zeichen: e.Value("ereignis.zeichen"),
		})
		return
	}
	for _, c := range e.Children {
		m.collect(c)
	}
}
