package digiwf

import (
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// event makes the event of a request. The same record gives the same event.
func (r *run) event(a *asked) (hub.Event, error) {
	if a.request.mapping != nil {
		return r.mapped(a)
	}
	if !wire.IsObject(a.rec.Value) {
		return hub.Event{}, hub.Permanent(codeNotJSON, "%w", wire.ErrNoJSON)
	}
	e := cloudevents.New()
	e.SetID(eventID(a))
	e.SetSource(r.set.Source)
	e.SetType(a.request.Event)
	e.SetTime(a.rec.Timestamp.UTC())
	e.SetDataContentType(cloudevents.ApplicationJSON)
	e.DataEncoded = a.rec.Value
	if a.request.Envelope {
		if err := fromEnvelope(&e, a.rec.Value); err != nil {
			return hub.Event{}, err
		}
	}
	complete(&e, a)
	return e, nil
}

func fromEnvelope(e *hub.Event, value []byte) error {
	env, err := wire.ReadEnvelope(value)
	if err != nil {
		return hub.Permanent(codeEnvelope, "%w", err)
	}
	e.SetType(env.Type)
	e.DataEncoded = env.Data
	if env.Subject != "" {
		e.SetSubject(env.Subject)
	}
	if !env.Time.IsZero() {
		e.SetTime(env.Time)
	}
	if env.CorrelationID != "" {
		e.SetExtension(hub.AttrCorrelationID, env.CorrelationID)
	}
	if env.CausationID != "" {
		e.SetExtension(hub.AttrCausationID, env.CausationID)
	}
	return nil
}

// complete sets what the request did not: the case is the process instance.
func complete(e *hub.Event, a *asked) {
	if e.Subject() == "" {
		e.SetSubject(a.instance)
	}
	if e.Subject() == "" {
		e.SetSubject(e.ID())
	}
	if _, there := e.Extensions()[hub.AttrCorrelationID]; !there && a.instance != "" {
		e.SetExtension(hub.AttrCorrelationID, a.instance)
	}
	if e.Time().IsZero() {
		e.SetTime(a.rec.Timestamp.UTC())
	}
}

// mapped makes the event by the request's mapping, for which the record's position,
// key and headers lie beside the document.
func (r *run) mapped(a *asked) (hub.Event, error) {
	m := a.request.mapping
	doc, err := m.Read(a.rec.Value)
	if err != nil {
		return hub.Event{}, err
	}
	meta := map[string]string{"position": a.position, "key": string(a.rec.Key)}
	for _, h := range a.echo {
		meta[strings.ToLower(h.Name)] = h.Value
	}
	e, err := m.Event(doc, mapping.With{
		Source: r.set.Source, Key: r.caseKey, IDKey: r.set.key, ID: eventID(a), Content: a.rec.Value, Meta: meta,
	})
	if err != nil {
		return hub.Event{}, err
	}
	complete(&e, a)
	return e, nil
}
