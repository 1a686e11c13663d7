package send

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Quarantined gives the message for QUARANTINE: the refused message whole, and
// the reason in headers. Its own headers stand beside them with the prefix
// "Original-", so that none of them can act; where they would not survive that
// (too large, or no header names), headers and data go into an Envelope.
func Quarantined(d *decision.Decision, m *event.Message) event.Message {
	h := map[string][]string{
		event.HeaderCode:    {string(d.Code)},
		event.HeaderIn:      {d.In},
		event.HeaderSeq:     {fmt.Sprint(d.Seq)},
		event.HeaderSubject: {event.PercentEncode(m.Subject)},
		event.HeaderStored:  {m.Time.UTC().Format(time.RFC3339Nano)},
	}
	if d.At != "" {
		h[event.HeaderAt] = []string{d.At}
	}
	if d.Keyword != "" {
		h[event.HeaderKeyword] = []string{d.Keyword}
	}
	out := event.Message{Subject: QuarantineSubject(d.Application, d.Code), Header: h, Data: m.Data}
	if !survives(m) {
		h[event.HeaderEnvelope] = []string{"json"}
		out.Data = envelope(m)
		return out
	}
	Originals(h, m)
	return out
}

// Originals adds to h what the headers of m are in QUARANTINE. The one that has the id of an
// event in binary mode stays as it is, too, if it can be one: whoever looks for an event looks
// for that, and to NATS it means nothing.
func Originals(h map[string][]string, m *event.Message) {
	for name, values := range m.Header {
		h["Original-"+name] = values
	}
	if id := m.Header[event.HeaderOf(event.AttrID)]; len(id) == 1 && len(id[0]) <= maxID {
		h[event.HeaderOf(event.AttrID)] = id
	}
}

// maxID is how long an id is at most that the gate accepts, percent-encoded.
const maxID = 3 * 256

// maxHeader leaves room for the hub's own headers below the server's 64 KiB.
const maxHeader = 32 << 10

// survives tells whether m's headers can be headers again.
func survives(m *event.Message) bool {
	size := len(m.Subject)
	for name, values := range m.Header {
		for i := 0; i < len(name); i++ {
			if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
				return false
			}
		}
		for _, v := range values {
			size += len(name) + len(v) + len("Original-: \r\n")
			if strings.TrimSpace(v) != v || strings.ContainsAny(v, "\r\n") {
				return false
			}
		}
	}
	return size <= maxHeader
}

// Envelope is the data of a quarantined message whose headers cannot stand
// beside it; all bytes are base64 in JSON.
type Envelope struct {
	Header []EnvelopeHeader `json:"header"`
	Data   []byte           `json:"data"`
}

// EnvelopeHeader is one header of the original message.
type EnvelopeHeader struct {
	Name  []byte `json:"name"`
	Value []byte `json:"value"`
}

func envelope(m *event.Message) []byte {
	e := Envelope{Data: m.Data}
	for name, values := range m.Header {
		for _, v := range values {
			e.Header = append(e.Header, EnvelopeHeader{[]byte(name), []byte(v)})
		}
	}
	slices.SortStableFunc(e.Header, func(a, b EnvelopeHeader) int { return bytes.Compare(a.Name, b.Name) })
	data, err := json.Marshal(e)
	if err != nil {
		return m.Data // byte slices can always be encoded
	}
	return data
}

// QuarantineSubject is quarantine.<org>.<app>.<code>; the application comes
// from a subject and may be unknown or odd, then it is "unknown".
func QuarantineSubject(application string, code refusal.Code) string {
	org, app, _ := strings.Cut(application, ".")
	if !plain(app) {
		app = "unknown"
	}
	return "quarantine." + org + "." + app + "." + code.Token()
}

func plain(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
