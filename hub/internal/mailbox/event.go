package mailbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
)

// toEvent reads a stored copy as the event that a sink gets. The data bytes
// stay as they are.
func toEvent(m *event.Message) (*hub.Event, error) {
	e, r := accept.Decode(m)
	if r != nil {
		return nil, hub.Permanent("unreadable", "copy %d of OUT: %w", m.Seq, r)
	}
	made := cloudevents.New()
	out := &made
	for _, a := range e.Attributes {
		set(out, a, e)
	}
	out.DataEncoded, out.DataBase64 = e.Data, e.Base64 || (e.Data != nil && !e.JSON)
	if err := out.Validate(); err != nil {
		return nil, hub.Permanent("unreadable", "copy %d of OUT is no valid CloudEvent", m.Seq)
	}
	return out, nil
}

func set(out *hub.Event, a event.Attribute, e *event.Event) {
	switch v := a.Value; a.Name {
	case event.AttrSpecVersion:
	case event.AttrID:
		out.SetID(v)
	case event.AttrSource:
		out.SetSource(v)
	case event.AttrType:
		out.SetType(v)
	case event.AttrSubject:
		out.SetSubject(v)
	case event.AttrDataSchema:
		out.SetDataSchema(v)
	case event.AttrDataContentType:
		out.SetDataContentType(v)
	case event.AttrTime:
		out.SetTime(e.Time)
	default:
		out.SetExtension(a.Name, v)
	}
}

func idOf(m *event.Message) string {
	if id := m.Header[headerLeanID]; len(id) == 1 {
		return id[0]
	}
	if e, r := accept.Decode(m); r == nil {
		return e.ID()
	}
	return ""
}

// disclosed opens the blobs whose references stand in the data that the
// receiver was given, no others.
type disclosed struct {
	blobs *bus.Blobs
	data  []byte
}

// Open implements hub.Delivery.Blobs.
func (d disclosed) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	quoted, err := json.Marshal(ref)
	if err != nil || !bytes.Contains(d.data, quoted) {
		return nil, hub.Permanent("blob-missing", "the reference does not stand in the event")
	}
	return d.blobs.Open(ctx, ref)
}
