package dataport

import (
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub"
)

// compose decides what the application data become: fields, where their schema has
// mappings; as they came, where it has an event type of its own and they are JSON; all
// others are a reference. What was decided before the hub could have the event stays
// so.
func (s *source) compose(o *opened) (form, *mappedData, error) {
	if o.as.Type != "" && o.as.Mapped == "" {
		return o.as, nil, nil
	}
	mapped, err := s.mapped(o)
	_, refused := errors.AsType[*refusal](err)
	if err != nil && !refused {
		return form{}, nil, err // passes
	}
	if o.as.Type != "" {
		if err != nil || mapped == nil || mapped.digest() != o.as.Mapped {
			return o.as, nil, ours("fit-mapping-changed", "the hub may have the event, and the mapping does not make the same of it any more: put the former one back until the submission is through")
		}
		return o.as, mapped, nil
	}
	if err != nil {
		return form{}, nil, err
	}
	as := form{Type: generalType, Source: s.set.Source, AGS: s.set.AGS, Limits: o.limits}
	f, known := s.set.data(o.metadata.Data.SchemaURI)
	switch {
	case mapped != nil:
		as.Type, as.Mapped, as.Huelle = mapped.typ, mapped.digest(), f.Huelle
		if as.AGS == "" {
			as.AGS = mapped.ags
		}
	case known && f.Typ != "" && o.data != nil && o.metadata.Data.MIMEType == "application/json":
		as.Type = f.Typ
	}
	return as, mapped, nil
}

// subjectData reads the application data into the event, where they have a type.
func (o *opened) subjectData() (json.RawMessage, error) {
	raw, err := io.ReadAll(o.data.content.Reader(o.limits.Daten))
	if err != nil {
		return nil, fmt.Errorf("read the data: %w", err)
	}
	if sum := sha512.Sum512(raw); hex.EncodeToString(sum[:]) != o.metadata.Data.SHA512 {
		return nil, errChanged
	}
	return raw, nil
}

func eventData(o *opened, a *application, as form, mapped *mappedData) (data []byte, err error) {
	if mapped != nil {
		return mapped.within(a, as.Huelle)
	}
	if as.Type != generalType {
		if a.Daten, err = o.subjectData(); err != nil {
			return nil, err
		}
	}
	if data, err = json.Marshal(a); err != nil {
		return nil, fmt.Errorf("write event data: %w", err)
	}
	return data, nil
}

// event puts the submission into a CloudEvent. All of it follows from the
// submission, so that a repetition is the same event.
func (s *source) event(o *opened, a *application, as form, mapped *mappedData) (hub.Event, error) {
	data, err := eventData(o, a, as, mapped)
	if err != nil {
		return hub.Event{}, err
	}
	e := cloudevents.New()
	e.SetID(o.Submission)
	e.SetSource(as.Source)
	e.SetType(as.Type)
	e.SetSubject(o.Case)
	e.SetTime(o.submit.IssuedAt)
	e.SetDataSchema(schemaPrefix + as.Type)
	e.SetExtension(hub.AttrCorrelationID, o.Case)
	if as.AGS != "" {
		e.SetExtension(hub.AttrAGS, as.AGS)
	}
	if err := e.SetData("application/json", data); err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	return e, nil
}
