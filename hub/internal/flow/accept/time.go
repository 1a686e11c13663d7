package accept

import (
	"regexp"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// timestamp is date-time of RFC 3339, 5.6, by its letter: time.Parse also takes
// an hour of one digit, a comma before the fraction and an offset of 99 hours,
// and takes no lower-case t and z.
var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// plain tells whether s is a timestamp in the form that nearly all have, in UTC, perhaps with
// parts of a second: of that it says what timestamp does, for less. Any digit may stand where
// form has a 0.
func plain(s string) bool {
	const form = "0000-00-00T00:00:00"
	s, zulu := strings.CutSuffix(s, "Z")
	if !zulu || len(s) < len(form) {
		return false
	}
	for i := range len(form) {
		if c := s[i]; c != form[i] && (form[i] != '0' || c < '0' || c > '9') {
			return false
		}
	}
	parts := s[len(form):]
	if parts == "" {
		return true
	}
	for _, c := range parts[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return parts[0] == '.' && len(parts) > 1
}

// checkTime: time is an RFC 3339 timestamp with a year of four digits.
func checkTime(e *event.Event) *refusal.Refusal {
	s, set := e.Attributes.Get(event.AttrTime)
	if !set {
		return nil
	}
	t, ok := parseTime(s)
	if !ok {
		return refusal.At(refusal.CETime, event.AttrTime)
	}
	e.Time = t
	return nil
}

func parseTime(s string) (time.Time, bool) {
	if !plain(s) && !timestamp.MatchString(s) {
		return time.Time{}, false
	}
	s = strings.ToUpper(s)
	const seconds = len("2026-01-01T00:00:")
	leap := s[seconds:seconds+2] == "60"
	if leap {
		s = s[:seconds] + "59" + s[seconds+2:]
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, false
	}
	if leap {
		t = t.Add(time.Second)
		// a leap second ends a month, in UTC (5.7)
		if at := t.UTC(); at.Day() != 1 || at.Hour() != 0 || at.Minute() != 0 || at.Second() != 0 {
			return time.Time{}, false
		}
	}
	return t, true
}
