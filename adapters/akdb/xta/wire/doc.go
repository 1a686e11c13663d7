// Package wire is the form of XTA 2 on the line, in the generation that calls
// itself http://xoev.de/transport/xta/211 (XTA 2 version 3, XSD 2.1.1): SOAP 1.2
// envelopes with WS-Addressing, MTOM, the metadata of OSCI-Transport 2.02, and
// the faults. It knows both sides' words and keeps no conversation: that do
// package xta (reader and author) and package xtasim (server).
//
// What is read was written by a stranger. XML goes through xmlguard, MIME parts
// are bounded and go to files; nothing large is held in memory.
package wire

// The namespaces, and the prefixes under which they are written.
const (
	NsSOAP = "http://www.w3.org/2003/05/soap-envelope"
	NsWSA  = "http://www.w3.org/2005/08/addressing"
	NsXTA  = "http://xoev.de/transport/xta/211"
	NsOSCI = "http://www.osci.eu/ws/2008/05/transport"
	NsMeta = "http://www.osci.eu/ws/2014/10/transport"
	nsXOP  = "http://www.w3.org/2004/08/xop/include"
)

const osciTypes = NsOSCI + "/urn/messageTypes/"

// The actions. They name the operation: several bodies are empty or alike, so a
// server dispatches on them (XTA.wsdl, wsam:Action). An answer has its request's.
const (
	CheckAccountActive = "http://www.xta.de/XTA/CheckAccountActive"
	LookupService      = "http://www.xta.de/XTA/IsServiceAvailable"
	CreateMessageID    = "http://www.xta.de/XTA/CreateMessageID"
	SendMessage        = "http://www.xta.de/XTA/SendMessage"
	GetTransportReport = "http://www.xta.de/XTA/GetTransportReport"
	CancelMessage      = "http://www.xta.de/XTA/CancelMessage"
	GetStatusList      = osciTypes + "MsgBoxStatusListRequest"
	GetNextStatusList  = osciTypes + "MsgBoxGetNextListRequest"
	GetMessage         = osciTypes + "MsgBoxFetchRequest"
	Close              = osciTypes + "MsgBoxCloseRequest"
)

// Reasons of an empty MsgBoxResponse.
const (
	reasons          = NsOSCI + "/MsgBox/reasons/"
	NoMatch          = reasons + "NoMatch"
	RequestIDInvalid = reasons + "RequestIdInvalid"
)
