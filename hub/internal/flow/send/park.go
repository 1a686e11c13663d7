package send

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// ErrSchemaGone means that the event schema left the federation directory after
// the event was decided.
var ErrSchemaGone = errors.New("it has no event schema any more")

// Parked gives the message for PARKED: the event whole, with the headers of its
// content mode and nothing else that the sender set, and where it came from.
func Parked(d *decision.Decision, e *event.Event) event.Message {
	h := map[string][]string{}
	original(h, e)
	h[event.HeaderCode] = []string{string(d.Code)}
	h[event.HeaderIn] = []string{d.In}
	h[event.HeaderSeq] = []string{strconv.FormatUint(d.Seq, 10)}
	h[event.HeaderKey] = []string{event.PercentEncode(e.Key())}
	h[event.HeaderSubject] = []string{event.PercentEncode(e.Message.Subject)}
	h[event.HeaderStored] = []string{d.Stored.Format(time.RFC3339Nano)}
	if d.Adapter != "" {
		h[event.HeaderAdapter] = []string{d.Adapter}
	}
	key := decision.ParkedKey{Application: d.Application, Direction: decision.In, Token: event.KeyToken(e.Key())}
	return event.Message{Subject: key.Subject(), Header: h, Data: e.Message.Data}
}

// Unparked is the event as it lay in its in stream.
func Unparked(m *event.Message) (*event.Message, error) {
	out := &event.Message{Stream: m.Get(event.HeaderIn), Header: maps.Clone(m.Header), Data: m.Data}
	maps.DeleteFunc(out.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, event.HubHeaders) })
	if adapter := m.Get(event.HeaderAdapter); adapter != "" {
		out.Header[event.HeaderAdapter] = []string{adapter}
	}
	var ok bool
	if out.Subject, ok = event.PercentDecode(m.Get(event.HeaderSubject)); !ok {
		return nil, fmt.Errorf("read the parked event %d: subject %q", m.Seq, m.Get(event.HeaderSubject))
	}
	var err error
	if out.Seq, err = strconv.ParseUint(m.Get(event.HeaderSeq), 10, 64); err != nil {
		return nil, fmt.Errorf("read the parked event %d: %w", m.Seq, err)
	}
	if out.Time, err = time.Parse(time.RFC3339Nano, m.Get(event.HeaderStored)); err != nil {
		return nil, fmt.Errorf("read the parked event %d: %w", m.Seq, err)
	}
	return out, nil
}

// Released gives the message by which a parked event enters again, by the edge
// stream of its organisation, in a round of a release.
func Released(m *event.Message, round string) (event.Message, error) {
	out, err := Unparked(m)
	if err != nil {
		return event.Message{}, err
	}
	_, rest, _ := strings.Cut(out.Subject, ".")
	out.Header[event.HeaderReleased] = []string{fmt.Sprintf("%s:%d", out.Stream, out.Seq)}
	out.Header[event.HeaderStored] = []string{m.Get(event.HeaderStored)}
	out.Header[event.HeaderRound] = []string{round}
	return event.Message{Subject: "edge." + rest, Header: out.Header, Data: out.Data}, nil
}

// ReadReleased tells where a message of an edge stream was acknowledged first
// and when; nil for one that was not parked. Only the hub writes there, so the
// headers can be believed.
func ReadReleased(m *event.Message) (ref *decision.Ref, stored time.Time) {
	if !strings.HasPrefix(m.Subject, "edge.") {
		return nil, time.Time{}
	}
	in, number, ok := strings.Cut(m.Get(event.HeaderReleased), ":")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil {
		return nil, time.Time{}
	}
	if stored, err = time.Parse(time.RFC3339Nano, m.Get(event.HeaderStored)); err != nil {
		stored = m.Time
	}
	return &decision.Ref{In: in, Seq: seq}, stored
}
