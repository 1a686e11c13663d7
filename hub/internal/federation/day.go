package federation

import (
	"fmt"
	"regexp"
	"time"
	_ "time/tzdata" // the hub's days are those of Berlin wherever it runs
)

// Day is a calendar day in Europe/Berlin; the zero Day is none.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // embedded above
	}
	return l
}()

var dayPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// parseDay reads 2026-01-31.
func parseDay(s string) (Day, bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || !dayPattern.MatchString(s) {
		return Day{}, false
	}
	return Day{t.Year(), t.Month(), t.Day()}, true
}

// ParseDay reads 2026-01-31.
func ParseDay(s string) (Day, error) {
	d, ok := parseDay(s)
	if !ok {
		return Day{}, fmt.Errorf("%q is no day like 2026-01-31", s)
	}
	return d, nil
}

// IsZero tells whether there is no day.
func (d Day) IsZero() bool { return d == Day{} }

// String is 2026-01-31.
func (d Day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// start is the first moment of the day, offset days later.
func (d Day) start(offset int) time.Time {
	return time.Date(d.Year, d.Month, d.Day+offset, 0, 0, 0, 0, berlin)
}

// forever is the end of a validity without end.
var forever = time.Unix(1<<40, 0)

// span gives the first moment and the first moment after.
func (v Validity) span() (from, to time.Time) {
	if v.Until.IsZero() {
		return v.From.start(0), forever
	}
	return v.From.start(0), v.Until.start(1)
}

// Holds tells whether a time belongs to the span.
func (v Validity) Holds(at time.Time) bool {
	from, to := v.span()
	return !at.Before(from) && at.Before(to)
}

// overlaps tells whether a day belongs to both.
func (v Validity) overlaps(w Validity) bool {
	from, to := v.span()
	wFrom, wTo := w.span()
	return from.Before(wTo) && wFrom.Before(to)
}
