package aenderungen

import (
	"encoding/json"
	"fmt"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/hub"
)

// Type of the event.
const Type = "de.meldewesen.person-geaendert.v1"

const (
	schemaPrefix = "urn:amtsbote:schema:"
	vorgangMark  = "{vorgang}"
)

// compose writes the event into the decision: its attributes, and its data
// sealed, since nothing about a person may be read in the journal.
func (r *run) compose(rec *kgo.Record, entry *entry, p *ewo.Person) error {
	e := cloudevents.New()
	e.SetID(eventID(r.cluster, rec))
	e.SetSource(r.set.Source)
	e.SetType(Type)
	e.SetSubject(entry.Record.Vorgang)
	e.SetTime(rec.Timestamp.UTC())
	e.SetDataSchema(schemaPrefix + Type)
	if r.set.DataRef != "" {
		e.SetExtension(hub.AttrDataRef, strings.ReplaceAll(r.set.DataRef, vorgangMark, entry.Record.Vorgang))
	}
	if r.set.AGS != "" {
		e.SetExtension(hub.AttrAGS, r.set.AGS)
	}
	if r.set.Einstufung != "" {
		e.SetExtension(hub.AttrDataClassification, r.set.Einstufung)
	}
	e.SetExtension(hub.AttrDataRegulation, "GDPR")
	attributes, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	entry.Event = attributes
	data, err := json.Marshal(r.dataOf(entry, p))
	if err != nil {
		return fmt.Errorf("write event data: %w", err)
	}
	entry.Data, err = r.people.seal(e.ID(), string(data))
	return wrap("keep event data", err)
}

// event puts attributes and data together again.
func (r *run) event(entry *entry) (hub.Event, error) {
	e := cloudevents.New()
	if err := json.Unmarshal(entry.Event, &e); err != nil {
		return e, fmt.Errorf("read the journal: %w", err)
	}
	data, err := r.people.open(e.ID(), entry.Data)
	if err != nil {
		return e, fmt.Errorf("read the journal: %w", err)
	}
	return e, e.SetData("application/json", []byte(data))
}

// eventID is made of the record's position, so that a record that comes again is
// the same event. Its time is in it, since a topic that was made anew counts from
// 0 again.
func eventID(cluster string, rec *kgo.Record) string {
	name := fmt.Sprintf("kafka|%s|%s|%d|%d|%d", cluster, rec.Topic, rec.Partition, rec.Offset, rec.Timestamp.UnixMilli())
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}
