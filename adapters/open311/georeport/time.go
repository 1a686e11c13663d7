package georeport

import (
	"errors"
	"time"
)

// ErrTime means that a text is no time of the W3C note, or has no zone.
var ErrTime = errors.New("no date and time with a zone (W3C note NOTE-datetime)")

// The note has the first two; the others are what servers write.
var zoned = []string{
	time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 UTC",
}

var unzoned = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"}

// Time reads a date and time. GeoReport v2 demands a zone; without one it is taken
// for the time of local, when that is given.
func Time(text string, local *time.Location) (time.Time, error) {
	for _, form := range zoned {
		if t, err := time.Parse(form, text); err == nil && plausible(t) {
			return t, nil
		}
	}
	if local != nil {
		for _, form := range unzoned {
			if t, err := time.ParseInLocation(form, text, local); err == nil && plausible(t) {
				return t, nil
			}
		}
	}
	return time.Time{}, ErrTime
}

// plausible keeps out zeros, and years that no format has room for in every zone.
func plausible(t time.Time) bool { return t.UTC().Year() >= 1970 && t.UTC().Year() < 9000 }

// Stamp writes a time as queries have it, in whole seconds.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
