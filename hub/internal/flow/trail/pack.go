package trail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/s2"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Group is a message of the trail and the decisions that it records.
type Group struct {
	Message   event.Message
	Decisions []*decision.Decision
}

// A message costs the server some ten microseconds beside its bytes. So when there
// are many decisions at once they share one, a record a line, compressed: they have much in
// common, and TRAIL keeps them for good. Few stand by themselves, where their id is found
// without looking into others.
const (
	packFrom  = 3
	packMost  = 250 // and up to two more, of which none is made
	packBytes = 192 << 10
	// maxPack is what a pack may hold once it is no longer compressed.
	maxPack = 64 << 20
)

// scratch is memory that is used again: fresh memory costs more than what is done with it.
type scratch struct {
	lines  []byte
	packed []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Groups encodes decisions on events of one in stream, in their order.
func Groups(ds []*decision.Decision) ([]Group, error) {
	if len(ds) < packFrom {
		return Singles(ds)
	}
	var out []Group
	s, _ := scratches.Get().(*scratch)
	defer scratches.Put(s)
	lines, from := s.lines[:0], 0
	defer func() { s.lines = lines }()
	flush := func(to int) {
		if to > from {
			some := ds[from:to:to]
			data := lines
			if len(data) >= utf8.RuneSelf { // see unpacked
				s.packed = s2.Encode(s.packed[:cap(s.packed)], data)
				data = s.packed
			}
			out = append(out, Group{event.Message{
				Subject: decision.PackSubject(ds[0].In), Header: map[string][]string{event.HeaderIDs: {idsOf(some).String()}},
				Data: bytes.Clone(data),
			}, some})
		}
		lines, from = lines[:0], to
	}
	for i, d := range ds {
		if i-from >= packMost && len(ds)-i >= packFrom || len(lines) > packBytes {
			flush(i)
		}
		var err error
		if lines, err = d.AppendJSON(lines); err != nil {
			return nil, fmt.Errorf("encode the record of %s %d: %w", d.In, d.Seq, err)
		}
		lines = append(lines, '\n')
	}
	flush(len(ds))
	return out, nil
}

// Singles encodes each decision by itself.
func Singles(ds []*decision.Decision) ([]Group, error) {
	msgs, err := Decisions(ds)
	out := make([]Group, len(msgs))
	for i := range msgs {
		out[i] = Group{msgs[i], ds[i : i+1 : i+1]}
	}
	return out, err
}

// ReadDecisions decodes the decisions of a message, in their order.
func ReadDecisions(m *event.Message) ([]*decision.Decision, error) {
	raw, err := unpacked(m)
	if err != nil {
		return nil, fmt.Errorf("read the trail record %d at %s: %w", m.Seq, m.Subject, err)
	}
	lines := json.NewDecoder(bytes.NewReader(raw))
	var out []*decision.Decision
	for {
		d := new(decision.Decision)
		switch err := lines.Decode(d); {
		case errors.Is(err, io.EOF) && len(out) > 0:
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("read the trail record %d at %s: %w", m.Seq, m.Subject, err)
		}
		out = append(out, d)
	}
}

// unpacked gives the lines of a message: a record or, before packs were compressed, lines
// begin with a brace; the block format of S2 with the length of what it holds, whose first
// byte is no text when that is 128 or more. (A header would not do: what the ledger puts
// back has none.)
func unpacked(m *event.Message) ([]byte, error) {
	if len(m.Data) == 0 || m.Data[0] < utf8.RuneSelf {
		return m.Data, nil
	}
	n, err := s2.DecodedLen(m.Data)
	if err != nil {
		return nil, err
	}
	if n > maxPack {
		return nil, fmt.Errorf("it would hold %d bytes", n)
	}
	return s2.Decode(nil, m.Data)
}

// MayBeAbout tells whether a message may record a decision on an event with this id;
// false is certain.
func MayBeAbout(m *event.Message, id string) bool {
	i, ok := readIDs(m.Get(event.HeaderIDs))
	return !ok || i.has(id)
}
