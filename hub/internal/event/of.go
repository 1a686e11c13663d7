package event

import (
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// Of tells of which event a copy, a refused or a parked message is: the in stream, and its
// sequence there; "" and 0 if that is not said. Headers say it, or the id of its delivery,
// which of most copies is <in stream>-<sequence>-<mailbox>.
func (m *Message) Of() (in string, seq uint64) {
	if m.Own != nil && m.Own.In != "" {
		return m.Own.In, m.Own.Seq
	}
	number := ""
	if in = m.Get(HeaderIn); in != "" {
		number = m.Get(HeaderSeq)
	} else {
		of, ok := strings.CutSuffix(m.Get(HeaderDelivery), "-"+m.mailbox())
		at := strings.LastIndexByte(of, '-')
		if !ok || at < 0 {
			return "", 0
		}
		in, number = of[:at], of[at+1:]
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return "", 0
	}
	return in, seq
}

// mailbox is the one that a copy lies in, out.<organisation>.<application>.<type…>, or lay in
// before it was set aside.
func (m *Message) mailbox() string {
	subject := m.Subject
	if was := m.Get(HeaderSubject); was != "" {
		subject, _ = PercentDecode(was)
	}
	root, rest, _ := strings.Cut(subject, ".")
	organisation, rest, _ := strings.Cut(rest, ".")
	application, _, ok := strings.Cut(rest, ".")
	if root != "out" || !ok {
		return ""
	}
	return organisation + "." + application
}

// KeyOf gives what order is kept by of a copy or a parked event (Event.Key). Where no header
// says it, it is the event's attribute in the headers of binary mode.
func (m *Message) KeyOf() string {
	for _, name := range [...]string{HeaderKey, "ce-" + hub.AttrCorrelationID, "ce-" + AttrSubject, "ce-" + AttrSource} {
		if v := m.Get(name); v != "" {
			if key, ok := PercentDecode(v); ok {
				return key
			}
			return v
		}
	}
	return ""
}
