package ledger

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Entry is one message that a stream must hold.
type Entry struct {
	Seq     uint64
	Subject string
	// Sum tells the message from any other that could stand at Seq: XXH64 of
	// subject and data. It is against faults, not against forgers.
	Sum uint64
	// Of names the event that a copy, a quarantined or a parked message is about;
	// zero for an event itself and for records.
	Of decision.Ref
	// Whole tells that Data is kept: records of the trail, cursors, marks.
	Whole bool
	Data  []byte
}

// entryOf is the account of m, stored at seq. Its Data is m's.
func entryOf(m *event.Message, seq uint64) Entry {
	e := Entry{Seq: seq, Subject: m.Subject, Sum: Sum(m)}
	if !strings.HasPrefix(m.Subject, "in.") && !strings.HasPrefix(m.Subject, "edge.") {
		e.Of.In, e.Of.Seq = m.Of()
	}
	if whole(m.Subject) {
		e.Whole, e.Data = true, m.Data
	}
	return e
}

// whole tells whether the ledger keeps the data at a subject: what is small and
// cannot be made again from anything else.
func whole(subject string) bool {
	root, rest, _ := strings.Cut(subject, ".")
	switch root {
	case "trail":
		return true
	case "out", "quarantine", "parked":
		return strings.HasPrefix(rest, "cursor.") || root == "parked" && strings.Count(rest, ".") == 4
	}
	return false
}

// Sum is what Entry.Sum holds.
func Sum(m *event.Message) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(m.Subject)
	_, _ = d.Write([]byte{0})
	_, _ = d.Write(m.Data)
	return d.Sum64()
}

const flagWhole = 1

// room is how many bytes append takes at most.
func (e *Entry) room() int {
	n := 5*binary.MaxVarintLen64 + 1 + 8 + len(e.Subject) + len(e.Of.In)
	if e.Whole {
		n += len(e.Data)
	}
	return n
}

// append encodes e behind buf.
func (e *Entry) append(buf []byte) []byte {
	var flags byte
	if e.Whole {
		flags = flagWhole
	}
	buf = append(binary.AppendUvarint(buf, e.Seq), flags)
	buf = appendText(buf, e.Subject)
	buf = binary.BigEndian.AppendUint64(buf, e.Sum)
	buf = appendText(buf, e.Of.In)
	buf = binary.AppendUvarint(buf, e.Of.Seq)
	if e.Whole {
		buf = appendText(buf, e.Data)
	}
	return buf
}

func appendText[T string | []byte](buf []byte, s T) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

var errEntry = errors.New("an entry cannot be read")

// readEntry decodes the first entry of buf and gives what follows it.
func readEntry(buf []byte) (e Entry, rest []byte, err error) {
	r := reader{buf: buf}
	e.Seq = r.number()
	flags := r.byte()
	e.Subject = string(r.text())
	e.Sum = r.fixed()
	e.Of.In = string(r.text())
	e.Of.Seq = r.number()
	if flags&flagWhole != 0 {
		e.Whole, e.Data = true, append([]byte{}, r.text()...)
	}
	if r.bad || flags > flagWhole {
		return Entry{}, nil, errEntry
	}
	return e, r.buf, nil
}

// reader takes values off the front of buf; once one does not fit all are zero.
type reader struct {
	buf []byte
	bad bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.buf)
	if n <= 0 || r.bad {
		r.bad = true
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.buf)) {
		r.bad = true
		return nil
	}
	out := r.buf[:n]
	r.buf = r.buf[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) fixed() uint64 {
	if b := r.take(8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text() []byte { return r.take(r.number()) }
