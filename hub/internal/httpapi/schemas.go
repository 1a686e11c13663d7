package httpapi

// text, number: what most members are.
func text(detail string) Schema   { return Schema{"type": "string", "description": detail} }
func number(detail string) Schema { return Schema{"type": "integer", "description": detail} }

func object(required []string, members map[string]any) Schema {
	return Schema{"type": "object", "required": required, "properties": members}
}

func list(of Schema) Schema { return Schema{"type": "array", "items": of} }

// components are the schemas that routes refer to by Ref.
func components() map[string]any {
	return map[string]any{
		"Event": object([]string{"specversion", "id", "source", "type"}, map[string]any{
			"specversion":     Schema{"const": "1.0"},
			"id":              Schema{"type": "string", "minLength": 1, "maxLength": 256},
			"source":          text("Begins with a prefix that the sender owns."),
			"type":            text("For example de.meldewesen.wohnung-angemeldet.v1."),
			"subject":         text("Names the matter, never a person."),
			"time":            Schema{"type": "string", "format": "date-time"},
			"dataschema":      text("Left out, or the schema of the type."),
			"datacontenttype": text("A media type; JSON when left out."),
			"data":            Schema{"description": "By the schema of the type."},
			"data_base64":     text("Instead of data."),
		}),
		"Place": object([]string{"stream", "sequence"}, map[string]any{
			"stream": text("In stream of the sender's organisation."), "sequence": number("Place in it."),
		}),
		"Violation": object([]string{"pointer", "rule", "detail"}, map[string]any{
			"pointer": text("JSON Pointer (RFC 6901) from the event's root."), "rule": text("Keyword of JSON Schema, or the code."), "detail": text("A sentence."),
		}),
		"Problem": object([]string{"type", "title", "status", "code"}, map[string]any{
			"type": text("urn:amtsbote:problem:… (RFC 9457)"), "title": text("What is wrong, and whose move it is."),
			"status": number("HTTP status."), "detail": text("More, where there is more to say."), "code": text("Stable name, the same over NATS and in the trail."),
			"at": text("Attribute or JSON Pointer."), "violations": list(Ref("Violation")),
			"quarantine": text("Where the sender finds the event that was kept; a corrected resend with the same id supersedes it."),
		}),
		"Blob": object([]string{"ref", "sha256", "size"}, map[string]any{
			"ref": text("For the data of an event."), "sha256": text("Hexadecimal, in small letters."), "size": number("Bytes."),
		}),
		"Accepted": object([]string{"id", "source"}, map[string]any{
			"id": text("Of the event."), "source": text("Of the event."), "stored": Ref("Place"),
			"duplicate": Schema{"type": "boolean", "description": "It came before with the same content; stored is the first one."}, "code": text("DUPLICATE, for a duplicate."),
		}),
		"Checked": object([]string{"id", "source"}, map[string]any{
			"id": text("Of the event."), "source": text("Of the event."), "duplicate": Schema{"type": "boolean"}, "code": text("DUPLICATE, for a duplicate."), "stored": Ref("Place"),
			"receivers": list(object([]string{"application", "agreement"}, map[string]any{"application": text("Who would get it."), "agreement": text("By which agreement.")})),
		}),
		"Results": object([]string{"results"}, map[string]any{
			"results": list(object([]string{"status"}, map[string]any{
				"status": number("As if the event had come alone."), "id": text("Of the event, where it could be read."), "source": text("Of the event, where it could be read."),
				"stored": Ref("Place"), "duplicate": Schema{"type": "boolean"}, "code": text("DUPLICATE, or why not."), "problem": Ref("Problem"),
			})),
		}),
		"Quarantined": object([]string{"id", "source", "state"}, map[string]any{
			"id": text("Of the event."), "source": text("Of the event."), "code": text("Why."), "reason": text("A sentence."),
			"state":   Schema{"enum": []any{stateWaiting, stateQuarantined, stateSuperseded, statePassed, stateParked}},
			"decided": Schema{"type": "string", "format": "date-time"},
		}),
	}
}
