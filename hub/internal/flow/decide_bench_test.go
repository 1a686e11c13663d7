package flow

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// BenchmarkDecide measures the way of one event to its decision, and to its
// copies, two of which are cut. The data is padded with a second address and
// blocks that are not set.
func BenchmarkDecide(b *testing.B) {
	fed := hubtest.Story(b, filepath.Join("..", "..", "..", "examples", "wohnsitzanmeldung"))
	version := NewVersion(fed)
	d := Decider{
		Federation: fed, Now: func() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) },
		Seen: func(event.Identity) (index.Seen, bool) { return index.Seen{}, false },
	}
	for _, size := range []int{1 << 10, 10 << 10} {
		for _, mode := range []struct {
			name string
			of   func(*event.Message) *event.Message
		}{{"binary", func(m *event.Message) *event.Message { return m }}, {"structured", structuredMode}} {
			m := mode.of(padded(size))
			name := fmt.Sprintf("%s-%d", mode.name, len(m.Data))
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if got := d.Decide("akdb", m); got.Outcome != hub.Routed {
						b.Fatal(got.Outcome, got.Code, got.At)
					}
				}
			})
			b.Run(name+"-copies", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					got := d.Decide("akdb", m)
					e, r := accept.Decode(m)
					if r != nil {
						b.Fatal(r)
					}
					if _, err := version.Sender.Copies(got, e); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// padded is an event whose data is about so long: keys of blocks on transfer are
// left empty, and names are as long as they may be.
func padded(size int) *event.Message {
	m := angemeldet(`"staatsangehoerigkeiten":["137"],"deutsch":false`, `,"wohnungsstatus":"alleinige","sperren":{"auskunftssperre":false,"uebermittlungssperren":[]},
		"bisherigeAnschrift":{"ags":"09162000","strasse":"`+strings.Repeat("x", 150)+`","hausnummer":"12","plz":"80469","ort":"München"}`)
	m.Time = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	if rest := size - len(m.Data); rest > 0 { // as senders fill it that give empty fields, and indent
		m.Data = append(m.Data[:len(m.Data)-1], strings.Repeat(" \n\t\t", rest/4)+"}"...)
	}
	return m
}

// structuredMode gives m as one JSON text (CloudEvents JSON format).
func structuredMode(m *event.Message) *event.Message {
	out := *m
	out.Header = map[string][]string{"Content-Type": {"application/cloudevents+json"}}
	var text strings.Builder
	text.WriteByte('{')
	for name, v := range m.Header {
		if attr, ok := strings.CutPrefix(name, "ce-"); ok {
			fmt.Fprintf(&text, "%q:%q,", attr, v[0])
		}
	}
	out.Data = []byte(text.String() + `"datacontenttype":"application/json","data":` + string(m.Data) + `}`)
	return &out
}
