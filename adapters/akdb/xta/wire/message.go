package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Message is an envelope that was read, with its contents as files.
type Message struct {
	Action, MessageID, RelatesTo string
	// Header and Body of the envelope; their children in any namespace.
	Header, Body *xmlguard.Element

	spool        *spool
	container    *Container // once it was asked for
	containerErr error
}

// Read reads a message: plain SOAP 1.2, or MTOM, as its Content-Type says.
// Contents go to files in dir, which Close removes. Both sides accept both
// forms, whatever they sent themselves.
//
// An envelope with a SOAP fault gives a *Fault, one that cannot be understood a
// *FormError or an *xmlguard.Error, too large a one ErrTooLarge.
func Read(r io.Reader, contentType string, limits Limits, dir string) (*Message, error) {
	limits = limits.orDefaults()
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, formError("no Content-Type that can be read")
	}
	s := &spool{dir: dir, limits: limits, left: limits.Bytes, parts: map[string]*part{}}
	switch media {
	case "multipart/related":
		err = s.multipart(r, params["boundary"], contentID(params["start"]))
	case "application/soap+xml", "application/xop+xml", "text/xml", "application/xml":
		err = s.root(r)
	default:
		err = formError("a Content-Type that is neither SOAP nor MTOM")
	}
	var m *Message
	if err == nil {
		m, err = s.message()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return m, nil
}

// message parses the root part.
func (s *spool) message() (*Message, error) {
	if s.envelope == nil {
		return nil, formError("the root part is missing")
	}
	r, err := s.envelope.asContent().Open()
	if err != nil {
		return nil, fmt.Errorf("read envelope: %w", err)
	}
	defer func() { _ = r.Close() }()
	doc, err := xmlguard.Read(r, xmlguard.Limits{Bytes: s.limits.envelope()},
		func(depth int, _ *xmlguard.Element) bool { return depth == 1 })
	if err != nil {
		return nil, err
	}
	if doc.Root.Space != NsSOAP || doc.Root.Local != "Envelope" {
		return nil, formError("the root element is no SOAP 1.2 envelope")
	}
	m := &Message{Header: doc.Root.Child("Header"), Body: doc.Root.Child("Body"), spool: s}
	if m.Body == nil || m.Body.Space != NsSOAP {
		return nil, formError("the envelope has no Body")
	}
	m.Action, m.MessageID, m.RelatesTo = m.address("Action"), m.address("MessageID"), m.address("RelatesTo")
	if f := readFault(m.Body); f != nil {
		return nil, f
	}
	return m, nil
}

// address reads a header of WS-Addressing.
func (m *Message) address(local string) string {
	for _, e := range m.Header.All(local) {
		if e.Space == NsWSA {
			return strings.TrimSpace(e.Text)
		}
	}
	return ""
}

// MetaData reads the header om:MessageMetaData; nil without one.
func (m *Message) MetaData() *MetaData { return ReadMetaData(m.Header.Child("MessageMetaData")) }

// Author gives the key in the header om:Author, "" without one.
func (m *Message) Author() string { return readParty(m.Header.Child("Author")).Kennung }

// Close removes the files of the contents.
func (m *Message) Close() { m.spool.close() }

// spool is where the parts of a message that is being read go.
type spool struct {
	dir      string
	limits   Limits
	left     int64 // what contents may still have
	envelope *part
	parts    map[string]*part // by content id
	all      []*part
}

// part is one part of the message: a file, or a small envelope in memory.
type part struct {
	file *os.File // nil: memory
	text []byte
	size int64
	used bool
	// encoded: what stood in the envelope as a content, as it stood there (base64).
	encoded bool
}

// smallEnvelope is what most are, and needs no file.
const smallEnvelope = 64 << 10

func (s *spool) newPart() (*part, error) {
	f, err := os.CreateTemp(s.dir, "xta-*.part")
	if err != nil {
		return nil, fmt.Errorf("keep part of message: %w", err)
	}
	p := &part{file: f}
	s.all = append(s.all, p)
	return p, nil
}

// fill copies r into a new part.
func (s *spool) fill(r io.Reader) (*part, error) {
	p, err := s.newPart()
	if err != nil {
		return nil, err
	}
	p.size, err = io.Copy(p.file, r)
	if err != nil {
		return nil, receiving(err)
	}
	return p, nil
}

// root takes the whole of r as the envelope, less the large contents in it.
func (s *spool) root(r io.Reader) error {
	room := s.limits.envelope()
	in := newInline(&bounded{r: r, left: &room}, s)
	start, err := io.ReadAll(io.LimitReader(in, smallEnvelope))
	if err != nil {
		return receiving(err)
	}
	if len(start) < smallEnvelope {
		s.envelope = &part{text: start, size: int64(len(start))}
		return nil
	}
	s.envelope, err = s.fill(io.MultiReader(bytes.NewReader(start), in))
	return err
}

func (s *spool) close() {
	for _, p := range s.all {
		_ = p.file.Close()
		_ = os.Remove(p.file.Name())
	}
	s.all = nil
}

// receiving says what an error on the way means.
func receiving(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return ErrTooLarge
	}
	return fmt.Errorf("receive message: %w", err)
}
