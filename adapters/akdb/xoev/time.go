package xoev

import (
	"errors"
	"regexp"
	"sync"
	"time"
	_ "time/tzdata" // Europe/Berlin must be known on every machine
)

// Berlin is the time zone of a time that names none.
var Berlin = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.FixedZone("CET", 60*60) // cannot happen: tzdata is embedded
	}
	return zone
})

// ParseTime reads an xs:dateTime as XÖV messages write it: with or without
// fractions of a second, with or without a zone. 24:00:00 is the next day's
// beginning (XSD 1.0, part 2, 3.2.7).
func ParseTime(s string) (time.Time, error) {
	if midnight := endOfDay.ReplaceAllString(s, "T00:00:00$1"); midnight != s {
		t, err := ParseTime(midnight)
		return t.AddDate(0, 0, 1), err
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", s, Berlin())
	if err != nil {
		return time.Time{}, errors.New("not an xs:dateTime")
	}
	return t, nil
}

var endOfDay = regexp.MustCompile(`T24:00:00(?:\.0+)?(Z|[+-][0-9:]+)?$`)

// WithZone gives a time in the form of RFC 3339: as it stands if it has a zone,
// else with Berlin's. What is no time stays as it is.
func WithZone(s string) string {
	if _, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return s
	}
	t, err := ParseTime(s)
	if err != nil {
		return s
	}
	return FormatTime(t)
}

// FormatTime writes an erstellungszeitpunkt: milliseconds and zone, as the XSD
// of the header asks for.
func FormatTime(t time.Time) string {
	return t.In(Berlin()).Format("2006-01-02T15:04:05.000-07:00")
}
