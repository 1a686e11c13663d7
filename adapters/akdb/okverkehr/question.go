package okverkehr

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// question takes number plate and day out of an event's data. An event without them
// can never be asked about.
func (k *asking) question(e hub.Event) (plate string, day time.Time, err error) {
	var data any
	if err := json.Unmarshal(e.Data(), &data); err != nil {
		return "", day, hub.Permanent(auskunft.Unmappable, "read event data: no JSON")
	}
	plate, err = Kennzeichen(textAt(data, k.set.Kennzeichen))
	if err != nil {
		return "", day, hub.Permanent(auskunft.Unmappable, "the event has no number plate where the setting kennzeichen says: %w", err)
	}
	day = k.now().In(xoev.Berlin())
	if k.set.Stichtag != heute {
		if day, err = dayOf(textAt(data, k.set.Stichtag)); err != nil {
			return "", day, hub.Permanent(auskunft.Unmappable, "the event has no day where the setting stichtag says")
		}
	}
	return plate, day, nil
}

// dayOf reads a date, or a date and time, which is on the day that it has in Germany.
func dayOf(s string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at.In(xoev.Berlin()), nil
	}
	return time.Parse(time.DateOnly, s)
}

// textAt gives the text at a JSON Pointer (RFC 6901), "" where none is.
func textAt(v any, pointer string) string {
	for token := range jsontext.Pointer(pointer).Tokens() {
		switch at := v.(type) {
		case map[string]any:
			v = at[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
	}
	s, _ := v.(string)
	return s
}
