// Package event holds an event on its way through the hub: the message as it
// was stored in an in stream, and the CloudEvent that was read from it. It does
// no I/O and decides nothing.
package event

import "time"

// Message is a message as it lies in a stream.
type Message struct {
	Stream  string
	Seq     uint64
	Subject string
	Header  map[string][]string
	Data    []byte
	Time    time.Time // when the stream stored it
	// Read is the event, once it was read for its decision and accepted; who
	// carries the decision out need not read it again.
	Read *Event
	// Own tells that the header is of this message alone, and was made by the hub: who
	// publishes the message may add to it meanwhile.
	Own bool
	// weight is Weight, once it was asked for; 0: it was not.
	weight int
	values int // of the header
	// Ahead is what was found out about the message while it waited for its turn; it
	// belongs to who did.
	Ahead any
}

// Weight is what subject and headers take in a stream, in bytes. Who has asked changes
// them no more.
func (m *Message) Weight() int {
	if m.weight == 0 {
		m.weight = len(m.Subject) + 48
		for name, values := range m.Header {
			m.values += len(values)
			for _, v := range values {
				m.weight += len(name) + len(v) + len(": \r\n")
			}
		}
	}
	return m.weight
}

// Weighs is told by who has made the headers: they have so many values, each under a name of
// its own, and are so many bytes with their names.
func (m *Message) Weighs(values, bytes int) {
	m.values, m.weight = values, len(m.Subject)+48+bytes+values*len(": \r\n")
}

// InMemory is about what the message takes in memory, in bytes.
func (m *Message) InMemory() int { return len(m.Data) + m.Weight() + 44*m.values + 512 }

// Get gives the first value of a header, compared exactly; "" if there is none.
func (m *Message) Get(name string) string {
	if v := m.Header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
