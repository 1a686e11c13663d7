package wire

import (
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// MetaData is om:MessageMetaData, the order for a transport (OSCI-Transport
// 2.02, OSCI_MessageMetaData_V2.02.xsd). Receipt requests, other readers,
// process references and message properties are neither read nor written.
type MetaData struct {
	Test          bool
	Delivery      DeliveryAttributes
	Author        Party
	Sender        Party // empty: none
	Reader        Party
	MessageID     string // urn:de:xta:messageid:<sender>:<uuid>
	InReplyTo     []string
	Subject       string
	Service       string // URI of the service in DVDV
	Scenario      Code   // without a list: BusinessScenario/Undefined
	Type          Code
	PayloadSchema string // namespace of the message
	Size          int64  // bytes; 0: not said
}

// DeliveryAttributes are times as xs:dateTime, ObsoleteAfter as xs:date.
type DeliveryAttributes struct {
	Origin, InitialSend, NotBefore, ObsoleteAfter, Delivery, InitialFetch, Reception, ServiceQuality string
}

// Party is an authority: Identifier/@type, @name, @category and its text, a DVDV
// key such as ags:09162000.
type Party struct{ Type, Name, Category, Kennung string }

// Code is a value of a code list.
type Code struct{ ListURI, ListVersion, Code, Name string }

// Node writes the metadata in the order of the XSD.
func (m *MetaData) Node() Node {
	d := m.Delivery
	id := El("om:MsgIdentification", Tx("wsa:MessageID", m.MessageID))
	for _, other := range m.InReplyTo {
		id.Kids = append(id.Kids, Tx("om:In-Reply-To", other))
	}
	size, test := "", ""
	if m.Size > 0 {
		size = strconv.FormatInt(m.Size, 10)
	}
	if m.Test {
		test = "true"
	}
	return El("om:MessageMetaData",
		El("om:DeliveryAttributes",
			opt("om:Origin", d.Origin), opt("om:InitialSend", d.InitialSend), opt("om:NotBefore", d.NotBefore),
			opt("om:ObsoleteAfter", d.ObsoleteAfter), opt("om:Delivery", d.Delivery), opt("om:InitialFetch", d.InitialFetch),
			opt("om:Reception", d.Reception), opt("om:ServiceQuality", d.ServiceQuality)),
		El("om:Originators", m.Author.Node("om:Author"), m.Sender.optional("om:Sender")),
		El("om:Destinations", m.Reader.Node("om:Reader")),
		id,
		El("om:Qualifier",
			opt("om:Subject", m.Subject),
			Tx("om:Service", m.Service),
			El("om:BusinessScenario", m.scenario()),
			m.Type.node("om:MessageType").With("payloadSchema", m.PayloadSchema)),
		opt("om:MsgSize", size),
	).With("TestMsg", test)
}

func (m *MetaData) scenario() Node {
	if m.Scenario.ListURI == "" {
		return Tx("om:Undefined", m.Scenario.Code)
	}
	return m.Scenario.node("om:Defined")
}

// Node writes a party under the given name.
func (p Party) Node(name string) Node {
	return El(name, Tx("om:Identifier", p.Kennung).With("type", p.Type, "name", p.Name, "category", p.Category))
}

func (p Party) optional(name string) Node {
	if p == (Party{}) {
		return Node{}
	}
	return p.Node(name)
}

func (c Code) node(name string) Node {
	n := El(name, Tx("code", c.Code), opt("name", c.Name))
	n.Attrs = []Attr{{"listURI", c.ListURI}, {"listVersionID", c.ListVersion}} // required, even when empty
	return n
}

// ReadMetaData reads om:MessageMetaData; nil gives nil.
func ReadMetaData(e *xmlguard.Element) *MetaData {
	if e == nil {
		return nil
	}
	d, q := e.Child("DeliveryAttributes"), e.Child("Qualifier")
	test, _ := e.Attr("TestMsg")
	m := &MetaData{
		Test: isTrue(test),
		Delivery: DeliveryAttributes{
			Origin: d.Value("Origin"), InitialSend: d.Value("InitialSend"), NotBefore: d.Value("NotBefore"),
			ObsoleteAfter: d.Value("ObsoleteAfter"), Delivery: d.Value("Delivery"), InitialFetch: d.Value("InitialFetch"),
			Reception: d.Value("Reception"), ServiceQuality: d.Value("ServiceQuality"),
		},
		Author:    readParty(e.At("Originators", "Author")),
		Sender:    readParty(e.At("Originators", "Sender")),
		Reader:    readParty(e.At("Destinations", "Reader")),
		MessageID: e.Value("MsgIdentification", "MessageID"),
		Subject:   q.Value("Subject"), Service: q.Value("Service"),
		Scenario: readCode(q.At("BusinessScenario", "Defined")),
		Type:     readCode(q.Child("MessageType")),
		Size:     number(e.Value("MsgSize")),
	}
	for _, other := range e.Child("MsgIdentification").All("In-Reply-To") {
		m.InReplyTo = append(m.InReplyTo, strings.TrimSpace(other.Text))
	}
	if m.Scenario.Code == "" {
		m.Scenario.Code = q.Value("BusinessScenario", "Undefined")
	}
	m.PayloadSchema, _ = q.Child("MessageType").Attr("payloadSchema")
	return m
}

func readParty(e *xmlguard.Element) Party {
	id := e.Child("Identifier")
	p := Party{Kennung: e.Value("Identifier")}
	p.Type, _ = id.Attr("type")
	p.Name, _ = id.Attr("name")
	p.Category, _ = id.Attr("category")
	return p
}

func readCode(e *xmlguard.Element) Code {
	c := Code{Code: e.Value("code"), Name: e.Value("name")}
	c.ListURI, _ = e.Attr("listURI")
	c.ListVersion, _ = e.Attr("listVersionID")
	return c
}

func isTrue(s string) bool { return s == "true" || s == "1" }

// number reads a size; what is none counts as not said.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
