package send

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Refused is the message as it came, from what Quarantined made of it: with subject,
// time and place in its in stream. A copy that its receiver has refused comes back as
// the copy.
func Refused(m *event.Message) *event.Message {
	out := &event.Message{Header: map[string][]string{}, Data: m.Data, Time: m.Time, Stream: m.Get(event.HeaderIn)}
	out.Seq, _ = strconv.ParseUint(m.Get(event.HeaderSeq), 10, 64)
	if subject, ok := event.PercentDecode(m.Get(event.HeaderSubject)); ok {
		out.Subject = subject
	}
	if m.Get(event.HeaderEnvelope) != "" {
		var e Envelope
		if json.Unmarshal(m.Data, &e) != nil {
			return out
		}
		out.Data = e.Data
		for _, h := range e.Header {
			out.Header[string(h.Name)] = append(out.Header[string(h.Name)], string(h.Value))
		}
		return out
	}
	for name, values := range m.Header {
		if rest, is := strings.CutPrefix(name, "Original-"); is {
			out.Header[rest] = values
		}
	}
	return out
}

// Again gives the message by which a refused event (Refused) enters again as it was, by
// the edge stream of its organisation. seq is where it rests in QUARANTINE.
func Again(original *event.Message, seq uint64) event.Message {
	h := maps.Clone(original.Header)
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return strings.HasPrefix(name, event.HubHeaders) || strings.HasPrefix(name, "Nats-")
	})
	_, rest, _ := strings.Cut(original.Subject, ".")
	return instead(original, seq, event.Message{Subject: "edge." + rest, Header: h, Data: original.Data})
}

// Edited is Again with another text in its place: one CloudEvent in structured JSON, of
// an event type.
func Edited(original *event.Message, seq uint64, application, typ string, text []byte) event.Message {
	h := map[string][]string{"Content-Type": {"application/cloudevents+json"}}
	return instead(original, seq, event.Message{Subject: event.EdgeSubject(application, typ), Header: h, Data: text})
}

func instead(original *event.Message, seq uint64, m event.Message) event.Message {
	m.Header[event.HeaderAct] = []string{strconv.FormatUint(seq, 10)}
	m.Header[event.HeaderInstead] = []string{fmt.Sprintf("%s:%d", original.Stream, original.Seq)}
	return m
}

// ReadInstead tells in whose place a message of an edge stream was sent by a steward;
// nil when its sender has sent it. Only the hub writes there, so the header can be
// believed.
func ReadInstead(m *event.Message) *decision.Ref {
	if !strings.HasPrefix(m.Subject, "edge.") || m.Get(event.HeaderReleased) != "" {
		return nil
	}
	in, number, ok := strings.Cut(m.Get(event.HeaderInstead), ":")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil {
		return nil
	}
	return &decision.Ref{In: in, Seq: seq}
}
