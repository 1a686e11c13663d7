package trail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Group is a message of the trail and the decisions that it records.
type Group struct {
	Message   event.Message
	Decisions []*decision.Decision
}

// A message costs the server some ten microseconds beside its bytes. So when there
// are many decisions at once they share one, a record a line; few stand by themselves, where
// their id is found without looking into others.
const (
	packFrom  = 3
	packMost  = 250
	packBytes = 192 << 10
)

// Groups encodes decisions on events of one in stream, in their order.
func Groups(ds []*decision.Decision) ([]Group, error) {
	if len(ds) < packFrom {
		return Singles(ds)
	}
	var out []Group
	var lines bytes.Buffer
	encoder, from := json.NewEncoder(&lines), 0
	flush := func(to int) {
		if to > from {
			some := ds[from:to:to]
			out = append(out, Group{event.Message{
				Subject: decision.PackSubject(ds[0].In), Header: map[string][]string{event.HeaderIDs: {idsOf(some).String()}},
				Data: bytes.Clone(lines.Bytes()),
			}, some})
		}
		lines.Reset()
		from = to
	}
	for i, d := range ds {
		if i-from == packMost || lines.Len() > packBytes {
			flush(i)
		}
		if err := encoder.Encode(d); err != nil {
			return nil, fmt.Errorf("encode the record of %s %d: %w", d.In, d.Seq, err)
		}
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
	lines := json.NewDecoder(bytes.NewReader(m.Data))
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

// MayBeAbout tells whether a message may record a decision on an event with this id;
// false is certain.
func MayBeAbout(m *event.Message, id string) bool {
	i, ok := readIDs(m.Get(event.HeaderIDs))
	return !ok || i.has(id)
}
