// Package event holds an event on its way through the hub: the message as it
// was stored in an in stream, and the CloudEvent that was read from it. It does
// no I/O and decides nothing.
package event

import (
	"sync"
	"time"
)

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
	// publishes the message may add to it. nil: it is not.
	Own *Own
	// What the headers take, once that is known, and how many there are.
	weighed       bool
	bytes, values int
	// Ahead is what was found out about the message while it waited for its turn; it
	// belongs to who did.
	Ahead any
}

// Own is a header that the hub has made, to be used again.
type Own struct {
	Header map[string][]string
	Values []string   // what stands in Header for as long as it is used again; nil: it is cleared each time
	More   int        // headers besides those of Values
	Bytes  int        // of the names of all, and their values; 0: not counted
	Pool   *sync.Pool // where it goes back to
	Place  Place      // in a chain
	In     string     // in stream of the event of which the message is a copy; "": see Message.Of
	Seq    uint64     // of that event there
}

// Place is what a message's header says of its place in a chain of messages (package bus). It
// stays in a header that is used again, for the next chain to write over.
type Place struct {
	This, Last [1]string // ids of the message, and of the one before it
	Says       int       // how many of them the header has
}

// Set sets a header besides those of Values.
func (o *Own) Set(name, value string) {
	o.Header[name] = []string{value}
	o.More++
	o.Bytes += len(name) + len(value)
}

// Weight is what subject and headers take in a stream, in bytes. Who has asked changes the
// headers no more.
func (m *Message) Weight() int {
	if !m.weighed {
		m.weigh()
	}
	return len(m.Subject) + 48 + m.bytes
}

func (m *Message) weigh() {
	if m.Own != nil && m.Own.Values != nil {
		n := len(m.Own.Values) + m.Own.More
		m.Weighed(m.Own.Bytes+n*len(": \r\n"), n)
		return
	}
	size, n := 0, 0
	for name, values := range m.Header {
		n += len(values)
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	m.Weighed(size, n)
}

// Weighed says how many bytes the message's headers take, and how many there are: who has
// looked at all of them spares another look.
func (m *Message) Weighed(size, headers int) { m.bytes, m.values, m.weighed = size, headers, true }

// InMemory is about what the message takes in memory, in bytes.
func (m *Message) InMemory() int { return len(m.Data) + m.Weight() + 44*m.values + 512 }

// Get gives the first value of a header, compared exactly; "" if there is none.
func (m *Message) Get(name string) string {
	if v := m.Header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
