package xtasim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// listing is a box's list as it was when it was asked for, less the pages told.
type listing struct {
	rest []*Letter
	page int
	form string
}

// request opens a MsgBoxRequestID.
func (s *Server) request(l *listing) string {
	s.number++
	id := fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012d", s.number)
	s.requests[id] = l
	return id
}

func (s *Server) list(m *wire.Message, who string) wire.Envelope {
	asked := m.Find("MsgBoxStatusListRequest")
	newOnly, _ := asked.Child("MsgSelector").Attr("newEntry")
	most, _ := asked.Attr("maxListItems")
	form, _ := asked.Attr("ListForm")
	l := &listing{page: 100, form: form}
	if n, err := strconv.Atoi(most); err == nil && n > 0 {
		l.page = n
	}
	for _, letter := range s.boxes[strings.ToLower(who)] {
		if newOnly != "true" || letter.fetched.IsZero() {
			l.rest = append(l.rest, letter)
		}
	}
	return s.page(s.request(l), l)
}

func (s *Server) more(m *wire.Message) wire.Envelope {
	id, _ := m.Received("MsgBoxGetNextRequest")
	l := s.requests[id]
	if l == nil {
		return listAnswer(wire.BoxResponse{RequestID: id, Reason: wire.RequestIDInvalid}, nil, "")
	}
	return s.page(id, l)
}

func (s *Server) page(id string, l *listing) wire.Envelope {
	n := min(l.page, len(l.rest))
	told := l.rest[:n]
	l.rest = l.rest[n:]
	box := wire.BoxResponse{RequestID: id, Pending: int64(len(l.rest))}
	if n == 0 {
		box.Reason = wire.NoMatch
	}
	return listAnswer(box, told, l.form)
}

func listAnswer(box wire.BoxResponse, letters []*Letter, form string) wire.Envelope {
	list := wire.El("osci:MsgStatusList")
	for _, l := range letters {
		if form == "MessageMetaData" {
			list.Kids = append(list.Kids, l.metaData().Node())
			continue
		}
		list.Kids = append(list.Kids, wire.El("osci:MsgAttributes", wire.Tx("wsa:MessageID", l.MessageID),
			wire.Tx("osci:TypeOfBusinessScenario", "XINNERES_DATA"), wire.Tx("osci:MsgSize", fmt.Sprint(l.Message.item().Content.Size)),
			wire.Tx("osci:DeliveryTime", l.arrived.Format(stamp))))
	}
	return wire.Envelope{Headers: []wire.Node{box.Node()}, Body: []wire.Node{list}}
}

func (s *Server) fetch(m *wire.Message, who string, e Effect) (wire.Envelope, error) {
	id := m.Find("MsgBoxFetchRequest").Value("MsgSelector", "MessageID")
	box := s.boxes[strings.ToLower(who)]
	i := slices.IndexFunc(box, func(l *Letter) bool { return same(l.MessageID, id) })
	if i < 0 {
		return wire.Envelope{}, fault("9070")
	}
	l := box[i]
	if l.fetched.IsZero() {
		l.fetched = time.Now()
	}
	if e == WrongReader {
		l = l.misled()
	}
	response := wire.BoxResponse{RequestID: s.request(&listing{})}
	return wire.Envelope{
		Headers: []wire.Node{l.metaData().Node(), response.Node()}, Body: []wire.Node{l.body()},
	}, nil
}

// close gives messages up: from now on they are the reader's alone.
func (s *Server) close(m *wire.Message, who string, e Effect) error {
	requestID, ids := m.Received("MsgBoxCloseRequest")
	if s.requests[requestID] == nil {
		return fault("9022")
	}
	if e == Forget {
		return nil
	}
	key := strings.ToLower(who)
	for _, id := range ids {
		i := slices.IndexFunc(s.boxes[key], func(l *Letter) bool { return same(l.MessageID, id) })
		if i < 0 {
			return fault("9070")
		}
		l := s.boxes[key][i]
		s.boxes[key] = slices.Delete(s.boxes[key], i, i+1)
		if l.done != nil {
			l.done()
		}
		if e == Duplicate || e == OtherBytes {
			s.put(l.again(e == OtherBytes))
		}
	}
	return nil
}
