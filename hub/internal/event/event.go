package event

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

// Core attribute names of CloudEvents 1.0.2, section 3.1.
const (
	AttrID              = "id"
	AttrSource          = "source"
	AttrSpecVersion     = "specversion"
	AttrType            = "type"
	AttrDataContentType = "datacontenttype"
	AttrDataSchema      = "dataschema"
	AttrSubject         = "subject"
	AttrTime            = "time"
)

// Event is a CloudEvent read from a Message. It shares the message's bytes.
type Event struct {
	Message *Message
	// Structured tells the content mode the event came in (CloudEvents NATS
	// binding, section 3); false is binary mode.
	Structured bool
	// Attributes are all context attributes that are set, specversion included, as
	// they came, so that a re-written event reads like the original.
	Attributes Attributes
	// Time is the attribute time; zero if absent.
	Time time.Time
	// Data is the payload as it stands; nil if there is none. For data_base64
	// it is decoded.
	Data []byte
	// Base64 is true when a structured event carried data_base64.
	Base64 bool
	// JSON is true when the payload is JSON by its media type and has passed
	// the gate.
	JSON bool
	// Fits is the schema of the event's type when the payload was found valid by
	// it on the way through the gate; nil tells nothing.
	Fits *schemas.Schema

	identity   Identity
	identified bool // that is known

	fixed                                                      bool // these are the attributes of their names
	id, source, typ, subject, schema, contentType, correlation string
}

// Fix takes the attributes that are asked for again and again out of Attributes, which
// changes no more.
func (e *Event) Fix() {
	for _, a := range e.Attributes {
		switch a.Name {
		case AttrID:
			e.id = a.Value
		case AttrSource:
			e.source = a.Value
		case AttrType:
			e.typ = a.Value
		case AttrSubject:
			e.subject = a.Value
		case AttrDataSchema:
			e.schema = a.Value
		case AttrDataContentType:
			e.contentType = a.Value
		case hub.AttrCorrelationID:
			e.correlation = a.Value
		}
	}
	e.fixed = true
}

func (e *Event) attribute(fixed, name string) string {
	if e.fixed {
		return fixed
	}
	return e.Attributes.Value(name)
}

// ID is the attribute id; it and the methods below give "" when it is unset.
func (e *Event) ID() string { return e.attribute(e.id, AttrID) }

// Source is the attribute source.
func (e *Event) Source() string { return e.attribute(e.source, AttrSource) }

// Type is the attribute type.
func (e *Event) Type() string { return e.attribute(e.typ, AttrType) }

// Subject is the attribute subject.
func (e *Event) Subject() string { return e.attribute(e.subject, AttrSubject) }

// DataSchema is the attribute dataschema.
func (e *Event) DataSchema() string { return e.attribute(e.schema, AttrDataSchema) }

// ContentType is the attribute datacontenttype.
func (e *Event) ContentType() string { return e.attribute(e.contentType, AttrDataContentType) }

// Key is what order is kept by: correlationid, else subject, else source
// (DESIGN §2).
func (e *Event) Key() string {
	return cmp.Or(e.attribute(e.correlation, hub.AttrCorrelationID), e.Subject(), e.Source())
}

// Identity is the event's. It is found out when it is asked for first, by one goroutine.
func (e *Event) Identity() Identity {
	if !e.identified {
		e.identity, e.identified = IdentityOf(e.Source(), e.ID()), true
	}
	return e.identity
}

// Digest is the SHA-256 over what makes two events with one (source, id) the
// same event: type, subject, dataschema, datacontenttype and the data bytes,
// each with its length; not over time or tracing.
func (e *Event) Digest() string {
	var room [512]byte // for nearly all
	text := room[:0]
	for _, value := range [...]string{e.Type(), e.Subject(), e.DataSchema(), e.ContentType()} {
		text = append(binary.BigEndian.AppendUint64(text, uint64(len(value))), value...)
	}
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(text, uint64(len(e.Data))))
	h.Write(e.Data)
	var sum [sha256.Size]byte
	var digits [2 * sha256.Size]byte
	return string(hex.AppendEncode(digits[:0], h.Sum(sum[:0])))
}
