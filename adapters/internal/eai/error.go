package eai

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// The codes of errors.
const (
	Away         = "nicht-erreichbar"    // no connection, or it broke
	Timeout      = "frist-abgelaufen"    // no whole answer in time
	Unauthorised = "nicht-angemeldet"    // 401: the credentials are wrong
	Forbidden    = "nicht-berechtigt"    // 403: the right is missing
	NotFound     = "nicht-gefunden"      // 404
	Refused      = "abgelehnt"           // any other 3xx, 4xx
	Failed       = "fehler-im-verfahren" // 5xx, 429, or a fault on the other side
	Unreadable   = "antwort-unlesbar"    // an answer that nobody can read, or a 2xx that is none
	TooLarge     = "antwort-zu-gross"
)

var (
	errCall  = errors.New("the call cannot be written")
	errToken = errors.New("the token endpoint refuses")
)

// Error is why a call gave nothing.
type Error struct {
	Code   string
	Status int // HTTP, 0 when there was no answer
	// Blocking is true when it is the gateway's or the operator's matter and the
	// next call would fare the same: wait and try this one again. False: this
	// call alone is hopeless, go on with the next.
	Blocking bool
	// After is how long the other side asks to wait (Retry-After), 0 if it does not.
	After time.Duration
	Err   error // without address or content; may be nil
}

// Error implements error.
func (e *Error) Error() string {
	text := "gateway: " + e.Code
	if e.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsBlocking tells whether err is a matter of the gateway rather than of one
// call. An error that is no *Error counts as blocking.
func IsBlocking(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err != nil && (!ok || e.Blocking)
}

// Code gives the code in err's chain, Away for an error of another kind.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Away
}

// BadAnswer is an answer that cannot be read; what says why without quoting it.
// It is blocking: a gateway that answers something else is not this one.
func BadAnswer(what string) error {
	return &Error{Code: Unreadable, Blocking: true, Err: errors.New(what)}
}

// Foreign is err when the answer is not in the form of the system behind the gateway:
// somebody in between has written it, who cannot refuse a call for good.
func Foreign(err error) error {
	failed, ok := errors.AsType[*Error](err)
	if !ok || failed.Blocking {
		return err
	}
	e := *failed
	e.Blocking = true
	return &e
}

// Fault is what a sink returns for a call that failed: worth another try when it is
// the gateway's matter, for good when it is the call's.
func Fault(doing string, err error) error {
	f := &hub.Fault{Code: Code(err), Permanent: !IsBlocking(err), Err: fmt.Errorf("%s: %w", doing, err)}
	if e, ok := errors.AsType[*Error](err); ok && e.After > 0 {
		f.After, f.Later = e.After, true
	}
	return f
}

// maxAfter is the longest wait that is believed.
const maxAfter = time.Hour

// retryAfter reads the header (RFC 9110, section 10.2.3): seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	var after time.Duration
	if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31); err == nil {
		after = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), maxAfter)
}

// statusError judges an HTTP status other than 200; nil for 200.
func statusError(status int) error {
	e := &Error{Status: status, Blocking: true}
	switch {
	case status == 200:
		return nil
	case status < 300:
		// Something was done, or will be: it is not refused.
		e.Code = Unreadable
	case status == 401:
		e.Code = Unauthorised
	case status == 403:
		e.Code = Forbidden
	case status == 404:
		e.Code = NotFound
	case status == 408, status == 504:
		e.Code = Timeout
	case status == 429, status >= 500:
		e.Code = Failed
	default:
		e.Code, e.Blocking = Refused, status >= 300 && status < 400
	}
	return e
}
