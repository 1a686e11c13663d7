package schemas

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var periodPattern = regexp.MustCompile(`^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,5})S)?)?$`)

// Period reads an ISO 8601 duration of weeks, days (of 24 hours), hours,
// minutes and seconds: P7D, PT1H30M. Months and years have no fixed length and
// are refused.
func Period(s string) (time.Duration, error) {
	m := periodPattern.FindStringSubmatch(s)
	if m == nil || s == "P" || s[len(s)-1] == 'T' {
		return 0, fmt.Errorf("%q is no duration like P7D or PT12H", s)
	}
	var total time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // empty is 0
		total += time.Duration(n) * unit
	}
	return total, nil
}
