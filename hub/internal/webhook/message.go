package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// message is what one request carries.
type message struct {
	id     string // stable over all attempts
	header http.Header
	body   []byte
}

// The media types (CloudEvents JSON format 1.0, sections 3 and 4).
const (
	typeStructured = "application/cloudevents+json; charset=utf-8"
	typeBatch      = "application/cloudevents-batch+json; charset=utf-8"
)

// Headers that go with a single event beside those of CloudEvents.
const (
	headerAttempt     = "Amtsbote-Attempt"
	headerRedelivered = "Amtsbote-Redelivered"
)

// single makes the message of one event, in a format (CloudEvents HTTP binding
// 1.0, section 3). An event without data goes structured: the webhook
// specification (2.1) asks for a payload.
func single(d *hub.Delivery, format federation.WebhookFormat) (message, error) {
	m := message{id: d.ID, header: http.Header{}}
	m.header.Set(event.HeaderDelivery, d.ID)
	m.header.Set(event.HeaderAgreement, d.Agreement)
	m.header.Set(headerAttempt, strconv.Itoa(d.Attempt))
	if d.Attempt > 1 {
		m.header.Set(headerRedelivered, "true")
	}
	if format == federation.FormatBinary && len(d.Event.Data()) > 0 {
		binary(m.header, &d.Event)
		m.body = d.Event.Data()
		return m, nil
	}
	var err error
	m.header.Set("Content-Type", typeStructured)
	m.body, err = d.Event.MarshalJSON()
	if err != nil {
		return m, hub.Permanent("unreadable", "the event cannot be written as JSON")
	}
	return m, nil
}

// binary puts the attributes into headers, percent-encoded (section 3.1.3.2).
func binary(h http.Header, e *hub.Event) {
	set := func(name, value string) {
		if value != "" {
			h.Set("ce-"+name, event.PercentEncode(value))
		}
	}
	set("specversion", e.SpecVersion())
	set("id", e.ID())
	set("source", e.Source())
	set("type", e.Type())
	set("subject", e.Subject())
	set("dataschema", e.DataSchema())
	if at := e.Time(); !at.IsZero() {
		set("time", at.Format(time.RFC3339Nano))
	}
	for name, value := range e.Extensions() {
		set(name, fmt.Sprint(value))
	}
	contentType := e.DataContentType()
	if contentType == "" {
		contentType = "application/json" // what the JSON format means without it
	}
	h.Set("Content-Type", contentType)
}

// batch makes the message of several events: their JSON, each as single made it.
func batch(ids []string, events [][]byte) message {
	sum := sha256.New()
	for _, id := range ids {
		fmt.Fprintf(sum, "%s\n", id)
	}
	m := message{id: "batch-" + hex.EncodeToString(sum.Sum(nil)[:16]), header: http.Header{}}
	m.header.Set("Content-Type", typeBatch)
	m.body = append(append([]byte("["), bytes.Join(events, []byte(","))...), ']')
	return m
}
