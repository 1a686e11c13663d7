package xoev

import (
	"io"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// MaxEreignisse is how many cases one message may have. More are not lost: Read
// says so in TooMany, and such a message must not become events.
const MaxEreignisse = 10_000

// Message is a message as far as it was asked for.
type Message struct {
	Header
	// Ereignisse are the cases of the message in its order, at most
	// MaxEreignisse.
	Ereignisse []Ereignis
	// TooMany says that there are more cases than that.
	TooMany bool
	// Blocks are the elements that mark a block of the resident register, or hint
	// at one (see IsBlock), wherever they stand. When the root does, it is among
	// them, without what is in it.
	Blocks []*xmlguard.Element
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
			return isHeader(e) || e.Local == ereignisName || e.Local == originName || IsBlock(e)
		}
		return e.Local == ereignisName || IsBlock(e)
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
	if IsBlock(doc.Root) { // the whole message is about blocks, whatever its elements are called
		m.Blocks = append(m.Blocks, &xmlguard.Element{Space: doc.Root.Space, Local: doc.Root.Local})
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

// collect adds the cases and blocks found in e and below.
func (m *Message) collect(e *xmlguard.Element) {
	switch {
	case e.Local == ereignisName && len(m.Ereignisse) == MaxEreignisse:
		m.TooMany = true
		return
	case e.Local == ereignisName:
		m.Ereignisse = append(m.Ereignisse, ereignisOf(e))
		return
	case IsBlock(e):
		m.Blocks = append(m.Blocks, e)
		return
	}
	for _, c := range e.Children {
		m.collect(c)
	}
}

func ereignisOf(e *xmlguard.Element) Ereignis {
	return Ereignis{Zeitpunkt: e.Value("ereignis.zeitpunkt"), Zeichen: e.Value("ereignis.zeichen")}
}

// blockNames are parts of the names of elements that tell of a block, lower case.
// XMeld calls them auskunftssperre.rueckmelder, auskunftssperreLiegtVor,
// auskunftsUndUebermittlungsperren, ergebnisWiderspruecheUebermittlungssperren and
// the like; verringerterDatenumfang (1331) says that something was withheld.
var blockNames = []string{
	"auskunftssperre", "auskunftsunduebermittlungsperre", "uebermittlungssperre", "bedingtersperrvermerk", "verringerterdatenumfang",
}

// IsBlock says whether an element's name tells of a block of the resident register:
// Auskunftssperre, bedingter Sperrvermerk, Übermittlungssperre.
func IsBlock(e *xmlguard.Element) bool {
	name := strings.ToLower(e.Local)
	return slices.ContainsFunc(blockNames, func(part string) bool { return strings.Contains(name, part) })
}
