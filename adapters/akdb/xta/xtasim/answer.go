package xtasim

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// answer does what the action says. Empty bodies are most operations' answer.
func (s *Server) answer(m *wire.Message, r *http.Request, e Effect) (wire.Envelope, error) {
	if _, isFault := faults[string(e)]; isFault {
		return wire.Envelope{}, fault(string(e))
	}
	who := m.Author()
	meta := m.MetaData()
	if meta != nil {
		who = meta.Author.Kennung
	}
	if err := s.admit(who, r); err != nil {
		return wire.Envelope{}, err
	}
	if m.Action == wire.SendMessage {
		return wire.Envelope{}, s.send(m, meta)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.Action {
	case wire.CheckAccountActive:
		return wire.Envelope{}, nil
	case wire.CreateMessageID:
		return s.create(), nil
	case wire.LookupService:
		return s.lookup(m), nil
	case wire.GetTransportReport:
		return s.report(m, e)
	case wire.CancelMessage:
		return wire.Envelope{}, s.cancel(m)
	case wire.GetStatusList:
		return s.list(m, who), nil
	case wire.GetNextStatusList:
		return s.more(m), nil
	case wire.GetMessage:
		return s.fetch(m, who, e)
	case wire.Close:
		return wire.Envelope{}, s.close(m, who, e)
	}
	return wire.Envelope{}, fault("9020")
}

func (s *Server) create() wire.Envelope {
	id := newMessageID()
	s.issued[strings.ToLower(id)] = false
	return wire.Envelope{Body: []wire.Node{wire.Tx("wsa:MessageID", id)}}
}

// lookup says of each service that it is there if the reader is an account, that
// it is not if others are, and that it cannot tell of a reader without a key.
func (s *Server) lookup(m *wire.Message) wire.Envelope {
	list := wire.El("xta:LookupServiceResultList")
	for _, asked := range m.Find("LookupServiceRequest").All("LookupServiceRequestList") {
		service := asked.Child("LookupService")
		kennung := service.Value("Reader", "Identifier")
		kind, _ := service.At("Reader", "Identifier").Attr("type")
		_, known := s.opt.Accounts[kennung]
		value := wire.Tx("xta:ServiceIsAvailable", strconv.FormatBool(known || s.opt.Accounts == nil))
		if kennung == "" {
			value = wire.Tx("xta:ServiceIsAvailableUnknown", "true")
		}
		list.Kids = append(list.Kids, wire.El("xta:LookupServiceResult",
			wire.Party{Type: kind, Kennung: kennung}.Node("om:Reader"), wire.Tx("xta:ServiceType", service.Value("ServiceType")),
			wire.El("xta:IsServiceAvailableValue", value)))
	}
	return wire.Envelope{Body: []wire.Node{wire.El("xta:LookupServiceResponse", list)}}
}

// send takes a message. It is in the reader's box at once.
func (s *Server) send(m *wire.Message, meta *wire.MetaData) error {
	if meta == nil {
		return fault("9020")
	}
	c, err := m.Container()
	if err != nil {
		return fault("9020")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.ToLower(meta.MessageID)
	switch used, issued := s.issued[id]; {
	case !issued:
		return fault("9021")
	case used:
		return fault("9024")
	}
	l, err := letterOf(meta, c)
	if err != nil {
		return err
	}
	if s.opt.Accepted != nil {
		if err := s.opt.Accepted(meta, c); err != nil {
			return fault("9030")
		}
	}
	s.issued[id] = true
	s.sent = append(s.sent, l)
	delivered := *l
	s.put(&delivered)
	return nil
}

func letterOf(meta *wire.MetaData, c *wire.Container) (*Letter, error) {
	l := &Letter{MessageID: meta.MessageID, Author: meta.Author, Reader: meta.Reader, Test: meta.Test, meta: meta}
	var err error
	if l.Message, err = documentOf(c.Message); err != nil {
		return nil, err
	}
	for _, a := range c.Attachments {
		d, err := documentOf(a)
		if err != nil {
			return nil, err
		}
		l.Attachments = append(l.Attachments, d)
	}
	return l, nil
}

func documentOf(i wire.Item) (Document, error) {
	r, err := i.Content.Open()
	if err != nil {
		return Document{}, err
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(r)
	return Document{Bytes: content, ContentType: i.ContentType, Filename: i.Filename}, err
}

func (s *Server) report(m *wire.Message, e Effect) (wire.Envelope, error) {
	l := s.sentAs(m.Body.Value("MessageID"))
	if l == nil {
		return wire.Envelope{}, fault("9070")
	}
	status := map[Effect]wire.Status{StaysOpen: wire.Open, Yellow: wire.Yellow, Red: wire.Red}
	code, ordered := status[e]
	if !ordered {
		code = wire.Green
	}
	now := time.Now().Format(stamp)
	record := func(list, name, reason string) wire.Node {
		return wire.El(list, wire.El(name, wire.Tx("xta:Timestamp", now),
			wire.El("xta:Code", wire.Tx("code", "1")).With("listURI", "urn:de:xta:codeliste:record.type", "listVersionID", "1"),
			wire.Tx("xta:Reason", reason)))
	}
	state := wire.El("xta:MessageStatus", wire.Tx("xta:Status", strconv.Itoa(int(code))))
	switch code {
	case wire.Red:
		state.Kids = append(state.Kids, record("xta:ErrorList", "xta:Error", "Nicht zugestellt"))
	case wire.Yellow:
		state.Kids = append(state.Kids, record("xta:WarnList", "xta:Warning", "Verspätet zugestellt"))
	case wire.Green:
		state.Kids = append(state.Kids, record("xta:InfoList", "xta:Info", "Zugestellt"))
	}
	return wire.Envelope{Body: []wire.Node{wire.El("xta:TransportReport",
		l.meta.Node(), wire.Tx("xta:ReportTime", now), wire.Tx("xta:XTAServerIdentity", "xta-simulator"), state)}}, nil
}

func (s *Server) sentAs(id string) *Letter {
	if i := slices.IndexFunc(s.sent, func(l *Letter) bool { return same(l.MessageID, id) }); i >= 0 {
		return s.sent[i]
	}
	return nil
}

// cancel withdraws what may not be delivered yet.
func (s *Server) cancel(m *wire.Message) error {
	l := s.sentAs(m.Body.Value("MessageID"))
	if l == nil {
		return fault("9070")
	}
	if l.meta.Delivery.NotBefore == "" {
		return fault("9101")
	}
	if due, err := time.Parse(time.RFC3339, l.meta.Delivery.NotBefore); err != nil || !due.After(time.Now()) {
		return fault("9100")
	}
	key := strings.ToLower(l.Reader.Kennung)
	s.boxes[key] = slices.DeleteFunc(s.boxes[key], func(o *Letter) bool { return same(o.MessageID, l.MessageID) })
	return nil
}
