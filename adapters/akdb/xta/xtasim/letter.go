package xtasim

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// Letter is a message in a box, or one that was sent.
type Letter struct {
	// MessageID is chosen when it is empty.
	MessageID   string
	Author      wire.Party
	Reader      wire.Party
	Test        bool
	Type        wire.Code
	Schema      string
	Service     string
	Message     Document
	Attachments []Document
	Encrypted   bool // Message is a cipher text

	meta    *wire.MetaData // of a letter that was sent: as it was sent
	fetched time.Time
	arrived time.Time
	done    func() // called when it is closed
}

// Document is one content of a letter: bytes in memory, or a file.
type Document struct {
	Bytes       []byte
	Open        func() (io.ReadCloser, error) // instead of Bytes
	Size        int64                         // with Open
	ContentType string
	Filename    string
}

// Meta is the metadata of a letter that was sent, as it was sent.
func (l *Letter) Meta() *wire.MetaData { return l.meta }

func (d Document) item() wire.Item {
	i := wire.Item{ContentType: d.ContentType, Filename: d.Filename}
	if i.ContentType == "" {
		i.ContentType = "text/xml"
	}
	if i.Content = (wire.Content{Open: d.Open, Size: d.Size}); d.Open == nil {
		i.Content = wire.Content{Size: int64(len(d.Bytes)), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(d.Bytes)), nil
		}}
	}
	return i
}

func (l *Letter) container() *wire.Container {
	c := &wire.Container{Message: l.Message.item()}
	for _, a := range l.Attachments {
		c.Attachments = append(c.Attachments, a.item())
	}
	return c
}

// body is the letter as the body of an answer.
func (l *Letter) body() wire.Node {
	if !l.Encrypted {
		return l.container().Node()
	}
	content := l.Message.item().Content
	cipher := wire.Node{Name: "xenc:CipherValue", Content: &content}
	return wire.El("xta:GenericContentContainer", wire.El("xenc:EncryptedData", wire.El("xenc:CipherData", cipher)).
		With("xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#"))
}

const stamp = "2006-01-02T15:04:05.000Z07:00" // xs:dateTime with milliseconds

// metaData describes the letter to its reader.
func (l *Letter) metaData() *wire.MetaData {
	m := wire.MetaData{
		Test: l.Test, Author: l.Author, Reader: l.Reader, Service: l.Service, Type: l.Type, PayloadSchema: l.Schema,
		Scenario: wire.Code{ListURI: "urn:de:xta:codeliste:business.scenario", ListVersion: "2", Code: "XINNERES_DATA"},
	}
	if l.meta != nil {
		m = *l.meta
	}
	m.MessageID = l.MessageID
	m.Delivery.Delivery = l.arrived.Format(stamp)
	if m.Size = l.Message.item().Content.Size; !l.fetched.IsZero() {
		m.Delivery.InitialFetch = l.fetched.Format(stamp)
	}
	if m.Service == "" {
		m.Service = "urn:test:service"
	}
	if m.PayloadSchema == "" {
		m.PayloadSchema = "urn:test:schema"
	}
	return &m
}

// again is the letter under a new id, as a sender that repeats itself sends it.
func (l *Letter) again(other bool) *Letter {
	copied := *l
	copied.MessageID, copied.fetched, copied.done = "", time.Time{}, nil
	if other && copied.Message.Open == nil {
		copied.Message.Bytes = append(slices.Clone(l.Message.Bytes), "\n<!-- geändert -->\n"...)
	}
	return &copied
}

const nobody = "ags:00000000"

// misled is the letter with another reader's key in it.
func (l *Letter) misled() *Letter {
	copied := *l
	own := l.Reader.Kennung
	copied.Reader.Kennung = nobody
	if copied.Message.Open == nil {
		copied.Message.Bytes = bytes.ReplaceAll(l.Message.Bytes, []byte(own), []byte(nobody))
	}
	return &copied
}

// newMessageID makes an id of the form urn:de:xta:messageid:<sender>:<uuid>.
func newMessageID() string { return "urn:de:xta:messageid:Amtsbote_XTA_Simulator:" + uuid.NewString() }

// same compares ids as XTA does.
func same(a, b string) bool { return strings.EqualFold(a, b) }
