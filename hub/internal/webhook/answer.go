package webhook

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// verdict is what an answer means.
type verdict int

const (
	delivered verdict = iota // the receiver has it
	refused                  // never this event: quarantine
	gone                     // never again any event (410)
	wait                     // not now, to nobody's blame (429, 503 with Retry-After)
	failed                   // try again
)

// maxRetryAfter is the longest time that a receiver can put the hub off.
const maxRetryAfter = 24 * time.Hour

// throttled is how long 429 without Retry-After puts off.
const throttled = time.Minute

// judge is the table of ADR 17: what an answer's status and headers mean. The
// body says nothing.
func judge(status int, header http.Header, now time.Time) (v verdict, after time.Duration) {
	after, given := retryAfter(header.Values("Retry-After"), now)
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return delivered, 0
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return refused, 0
	case http.StatusGone:
		return gone, 0
	case http.StatusTooManyRequests:
		if !given {
			after = throttled
		}
		return wait, after
	case http.StatusServiceUnavailable:
		if given {
			return wait, after
		}
	}
	return failed, 0
}

// retryAfter reads the header: seconds or an HTTP date (RFC 9110, 10.2.3), at
// most maxRetryAfter from now. What cannot be read was not given.
func retryAfter(values []string, now time.Time) (after time.Duration, given bool) {
	if len(values) != 1 {
		return 0, false
	}
	text := strings.TrimSpace(values[0])
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseUint(text, 10, 63)
		if err != nil || seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}
