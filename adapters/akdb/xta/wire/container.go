package wire

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Container is xta:GenericContentContainer with a ContentContainer: one message
// and its attachments.
type Container struct {
	Message     Item
	Attachments []Item
}

// Item is one content with what the envelope says about it (xta:ContentType).
type Item struct {
	ContentType string // required
	Encoding    string
	Filename    string // xdomea: required
	Description string
	Content     Content
}

// ErrEncrypted says that a container is encrypted for the reader (xenc), which
// only who has the key can open.
var ErrEncrypted = errors.New("the content is encrypted end to end")

// Node writes the container.
func (c *Container) Node() Node {
	inner := El("xta:ContentContainer", c.Message.node("xta:Message"))
	for _, a := range c.Attachments {
		inner.Kids = append(inner.Kids, a.node("xta:Attachment"))
	}
	return El("xta:GenericContentContainer", inner)
}

func (i Item) node(name string) Node {
	size := ""
	if i.Content.Size > 0 {
		size = strconv.FormatInt(i.Content.Size, 10)
	}
	n := El(name).With("contentType", i.ContentType, "encoding", i.Encoding, "filename", i.Filename,
		"contentDescription", i.Description, "size", size)
	n.Content = &i.Content
	return n
}

// Container reads the body's container. The contents' files live until Close.
// An encrypted one gives ErrEncrypted.
func (m *Message) Container() (*Container, error) {
	if m.container == nil && m.containerErr == nil {
		m.container, m.containerErr = m.readContainer()
	}
	return m.container, m.containerErr
}

func (m *Message) readContainer() (*Container, error) {
	generic := m.Body.Child("GenericContentContainer")
	if generic == nil || generic.Space != NsXTA {
		return nil, formError("the body has no GenericContentContainer")
	}
	if generic.Child("EncryptedData") != nil {
		return nil, ErrEncrypted
	}
	inner := generic.Child("ContentContainer")
	messages := inner.All("Message")
	if len(messages) != 1 {
		return nil, formError("the container has not exactly one Message")
	}
	c := &Container{}
	var err error
	if c.Message, err = m.spool.item(messages[0]); err != nil {
		return nil, err
	}
	for _, a := range inner.All("Attachment") {
		item, err := m.spool.item(a)
		if err != nil {
			return nil, err
		}
		c.Attachments = append(c.Attachments, item)
	}
	return c, nil
}

func (s *spool) item(e *xmlguard.Element) (Item, error) {
	var i Item
	i.ContentType, _ = e.Attr("contentType")
	i.Encoding, _ = e.Attr("encoding")
	i.Filename, _ = e.Attr("filename")
	i.Description, _ = e.Attr("contentDescription")
	p, err := s.content(e)
	if err != nil {
		return i, err
	}
	i.Content = p.asContent()
	return i, nil
}

// content gives the part that holds e's content: one that came as such, or one
// made of the base64 in e.
func (s *spool) content(e *xmlguard.Element) (*part, error) {
	if include := e.Child("Include"); include != nil && include.Space == nsXOP {
		if len(e.Children) > 1 || strings.TrimSpace(e.Text) != "" {
			return nil, formError("an Include that is not alone")
		}
		href, _ := include.Attr("href")
		return s.decoded(s.included(href))
	}
	if len(e.Children) > 0 {
		return nil, formError("a content that has elements")
	}
	return s.decode(strings.NewReader(e.Text))
}

// decoded gives a part that stood in the envelope as a content.
func (s *spool) decoded(p *part, err error) (*part, error) {
	if err != nil || !p.encoded {
		return p, err
	}
	r, err := p.asContent().Open()
	if err != nil {
		return nil, fmt.Errorf("read content: %w", err)
	}
	defer func() { _ = r.Close() }()
	return s.decode(&characters{r: bufio.NewReader(r)})
}

func (s *spool) decode(text io.Reader) (*part, error) {
	// blanks and tabs: the decoder itself skips line ends alone
	p, err := s.fill(&bounded{r: base64.NewDecoder(base64.StdEncoding, &skipBlanks{r: text}), left: &s.left})
	if _, corrupt := errors.AsType[base64.CorruptInputError](err); corrupt || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, formError("a content that is not base64")
	}
	return p, err
}

// skipBlanks also sees to it that nothing follows the padding: the decoder takes
// that when the padding ends one of its buffers.
type skipBlanks struct {
	r      io.Reader
	padded bool
}

func (s *skipBlanks) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	kept := 0
	for _, b := range p[:n] {
		switch {
		case b == ' ' || b == '\t':
			continue
		case b == '=':
			s.padded = true
		case s.padded && b != '\r' && b != '\n':
			b = 0
		}
		p[kept] = b
		kept++
	}
	return kept, err
}

func (p *part) asContent() Content {
	if p.file == nil {
		return Content{Size: p.size, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.text)), nil }}
	}
	name, size := p.file.Name(), p.size
	return Content{Size: size, Open: func() (io.ReadCloser, error) { return os.Open(name) }} //nolint:gosec // a file of our own
}

// File opens the content as a file. Contents that were read are files.
func (c Content) File() (*os.File, error) {
	r, err := c.Open()
	if err != nil {
		return nil, fmt.Errorf("open content: %w", err)
	}
	f, ok := r.(*os.File)
	if !ok {
		_ = r.Close()
		return nil, errors.New("open content: it is no file")
	}
	return f, nil
}

// Raw gives the message as it came, the envelope first: for who cannot make
// anything of it and must keep it all the same.
func (m *Message) Raw() []Content {
	raw := []Content{m.spool.envelope.asContent()}
	for _, p := range m.spool.all {
		if p != m.spool.envelope {
			raw = append(raw, p.asContent())
		}
	}
	return raw
}
