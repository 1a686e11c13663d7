// Package check is the second stage: it holds an event's data to the event
// schema of its type. Schemas come compiled; none is ever fetched.
package check

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// MaxAhead is how far the attribute time may lie ahead of the time of storing.
const MaxAhead = 24 * time.Hour

// Checked is an event whose data is valid.
type Checked struct {
	Schema *schemas.Schema
	// Marked is the data decoded, numbers as json.Number, or only what the schema's
	// marks are about: blocks, conditions and addresses.
	Marked any
}

// Check finds the schema of e's type and validates the data, unless the gate has
// found it valid already.
func Check(registry *schemas.Registry, e *event.Event) (*Checked, *refusal.Refusal) {
	if !e.Time.IsZero() && e.Time.After(e.Message.Time.Add(MaxAhead)) {
		return nil, refusal.At(refusal.TimeImplausible, event.AttrTime)
	}
	schema, ok := registry.Lookup(e.Type())
	if !ok {
		return nil, refusal.At(refusal.TypeUnknown, event.AttrType)
	}
	if id := e.DataSchema(); id != "" && id != schema.ID {
		return nil, refusal.At(refusal.SchemaUnknown, event.AttrDataSchema)
	}
	if e.Data != nil && !e.JSON {
		return nil, refusal.At(refusal.MediaTypeMismatch, event.AttrDataContentType)
	}
	if e.Fits == schema {
		return &Checked{Schema: schema, Marked: schema.Marked(e.Data)}, nil
	}
	doc, r := Data(e)
	if r != nil {
		return nil, r
	}
	if bad := schema.ValidateOf(e.Data, doc); len(bad) > 0 {
		return nil, invalid(bad[0])
	}
	return &Checked{Schema: schema, Marked: doc}, nil
}

// Violations are all ways in which the data of e, which Check has refused, breaks its
// schema, a refusal each; none when that is not why.
func Violations(registry *schemas.Registry, e *event.Event) []*refusal.Refusal {
	schema, ok := registry.Lookup(e.Type())
	if !ok {
		return nil
	}
	doc, r := Data(e)
	if r != nil {
		return nil
	}
	var out []*refusal.Refusal
	for _, v := range schema.ValidateOf(e.Data, doc) {
		out = append(out, invalid(v))
	}
	return out
}

// invalid says whose fault it is that the data does not pass.
func invalid(v schemas.Violation) *refusal.Refusal {
	switch v.Keyword {
	case schemas.KeywordBudget:
		return refusal.At(refusal.WorkLimit, "/data")
	case schemas.KeywordInternal:
		return refusal.At(refusal.Internal, "/data")
	}
	return &refusal.Refusal{Code: refusal.SchemaInvalid, At: "/data" + v.Pointer, Keyword: v.Keyword}
}

// Data decodes the data of e, which has passed the gate, numbers as json.Number;
// no data is null.
func Data(e *event.Event) (any, *refusal.Refusal) {
	if e.Data == nil {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(e.Data))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, refusal.At(refusal.JSONSyntax, "/data")
	}
	return doc, nil
}
