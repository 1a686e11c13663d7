package wire

import (
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// BoxResponse is the header osci:MsgBoxResponse.
type BoxResponse struct {
	RequestID string
	Pending   int64  // ItemsPending
	Reason    string // of NoMessageAvailable; "" if there were messages
}

// Node writes the header.
func (b BoxResponse) Node() Node {
	n := El("osci:MsgBoxResponse").With("MsgBoxRequestID", b.RequestID)
	if b.Reason != "" {
		n.Kids = []Node{El("osci:NoMessageAvailable").With("reason", b.Reason)}
	} else {
		n.Kids = []Node{Tx("osci:ItemsPending", strconv.FormatInt(b.Pending, 10))}
	}
	return n
}

// Box reads the header osci:MsgBoxResponse; empty without one.
func (m *Message) Box() BoxResponse {
	e := m.Header.Child("MsgBoxResponse")
	b := BoxResponse{Pending: number(e.Value("ItemsPending"))}
	b.RequestID, _ = e.Attr("MsgBoxRequestID")
	b.Reason, _ = e.Child("NoMessageAvailable").Attr("reason")
	return b
}

// Entry is a message in the reader's box.
type Entry struct {
	MessageID string
	Size      int64     // bytes; 0: not said
	MetaData  *MetaData // nil in the short form (MsgAttributes)
}

// StatusList reads the body osci:MsgStatusList in either form.
func (m *Message) StatusList() []Entry {
	var all []Entry
	for _, e := range childrenOf(m.Body.Child("MsgStatusList")) {
		switch e.Local {
		case "MessageMetaData":
			d := ReadMetaData(e)
			all = append(all, Entry{MessageID: d.MessageID, Size: d.Size, MetaData: d})
		case "MsgAttributes":
			all = append(all, Entry{MessageID: e.Value("MessageID"), Size: number(e.Value("MsgSize"))})
		}
	}
	return all
}

// Received gives the ids in LastMsgReceived of a request, and its
// MsgBoxRequestID.
func (m *Message) Received(request string) (requestID string, ids []string) {
	e := m.Body.Child(request)
	requestID, _ = e.Attr("MsgBoxRequestID")
	for _, l := range e.All("LastMsgReceived") {
		ids = append(ids, strings.TrimSpace(l.Text))
	}
	return requestID, ids
}

// Report is xta:TransportReport.
type Report struct {
	MetaData *MetaData
	Time     string // xs:dateTime
	Server   string
	Status   Status
	// Errors and Warnings are the codes of the records; their texts are the
	// server's and not read.
	Errors, Warnings []string
}

// Status is the state of a transport.
type Status int

// The states.
const (
	Open   Status = 0
	Green  Status = 1 // delivered
	Yellow Status = 2 // delivered, with warnings
	Red    Status = 3 // failed
)

// Report reads the body xta:TransportReport.
func (m *Message) Report() (*Report, error) {
	e := m.Body.Child("TransportReport")
	status, err := strconv.Atoi(e.Value("MessageStatus", "Status"))
	if err != nil || status < 0 || status > int(Red) {
		return nil, formError("a transport report without a status that is known")
	}
	r := &Report{
		MetaData: ReadMetaData(e.Child("MessageMetaData")), Time: e.Value("ReportTime"),
		Server: e.Value("XTAServerIdentity"), Status: Status(status),
	}
	list := e.Child("MessageStatus")
	for _, x := range list.Child("ErrorList").All("Error") {
		r.Errors = append(r.Errors, x.Value("Code", "code"))
	}
	for _, x := range list.Child("WarnList").All("Warning") {
		r.Warnings = append(r.Warnings, x.Value("Code", "code"))
	}
	return r, nil
}

// Availability answers whether a reader offers a service.
type Availability struct {
	Reader    Party
	Service   string
	Known     bool // false: the server cannot tell
	Available bool
}

// Availabilities reads the body xta:LookupServiceResponse.
func (m *Message) Availabilities() []Availability {
	var all []Availability
	for _, e := range m.Body.At("LookupServiceResponse", "LookupServiceResultList").All("LookupServiceResult") {
		value := e.Child("IsServiceAvailableValue")
		all = append(all, Availability{
			Reader: readParty(e.Child("Reader")), Service: e.Value("ServiceType"),
			Known: value.Child("ServiceIsAvailable") != nil, Available: isTrue(value.Value("ServiceIsAvailable")),
		})
	}
	return all
}

// Find gives the first element of the local name in the body.
func (m *Message) Find(local string) *xmlguard.Element { return m.Body.Child(local) }

func childrenOf(e *xmlguard.Element) []*xmlguard.Element {
	if e == nil {
		return nil
	}
	return e.Children
}
