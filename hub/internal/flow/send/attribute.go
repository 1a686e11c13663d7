package send

import (
	"slices"
	"sync"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// allowed lists the attributes of e that pass, and tells whether all do.
func allowed(e *event.Event, schema *schemas.Schema) (names []string, all bool) {
	passes := func(name string) bool {
		return schemas.CommonAttribute(name) || slices.Contains(schema.Attributes, name)
	}
	if i := slices.IndexFunc(e.Order, func(name string) bool { return !passes(name) }); i >= 0 {
		names = append(names, e.Order[:i]...)
		for _, name := range e.Order[i:] {
			if passes(name) {
				names = append(names, name)
			}
		}
		return names, false
	}
	return e.Order, true
}

// used are the headers of copies that are stored: fresh memory costs more than what is
// done with it.
var used = sync.Pool{New: func() any { return make(map[string][]string, usualHeaders) }}

// usualHeaders is about how many headers a copy has.
const usualHeaders = 14

func fresh() map[string][]string {
	h, _ := used.Get().(map[string][]string)
	return h
}

// Done takes back what Copies made, once it is stored: nobody may use its headers then.
func Done(copies []event.Message) {
	for i := range copies {
		if h := copies[i].Header; copies[i].Own && h != nil {
			copies[i].Header = nil
			clear(h)
			used.Put(h)
		}
	}
}

// appendOriginal gives the headers of an untouched copy: those of the event's own
// content mode, nothing else that the sender set.
func appendOriginal(h []event.Header, e *event.Event) []event.Header {
	if e.Structured {
		return append(h, event.Header{Name: "Content-Type", Values: []string{"application/cloudevents+json"}})
	}
	h = e.AppendBinary(h, e.Order)
	if ct := e.ContentType(); ct != "" {
		h = append(h, event.Header{Name: "Content-Type", Values: []string{ct}})
	}
	return h
}

// rewritten gives the headers of a copy whose attributes or data are cut; it
// goes in binary mode.
func rewritten(e *event.Event, pass []string, dataSchema string) map[string][]string {
	h := fresh()
	for _, one := range e.AppendBinary(nil, pass) {
		h[one.Name] = one.Values
	}
	ct := e.ContentType()
	if ct == "" {
		ct = "application/json"
	}
	h["ce-"+event.AttrDataContentType] = []string{event.PercentEncode(ct)}
	h["Content-Type"] = []string{ct}
	if dataSchema != "" {
		h["ce-"+event.AttrDataSchema] = []string{event.PercentEncode(dataSchema)}
	}
	return h
}
