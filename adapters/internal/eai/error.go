package eai

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	Unreadable   = "antwort-unlesbar"    // an answer that nobody can read
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

// transportError takes the address out of what net/http reports.
func transportError(ctx context.Context, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		if outer.Timeout() {
			return &Error{Code: Timeout, Blocking: true}
		}
		err = outer.Err
	}
	if ctx.Err() != nil {
		return &Error{Code: Away, Blocking: true, Err: ctx.Err()}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: Timeout, Blocking: true}
	}
	return &Error{Code: Away, Blocking: true, Err: cause(err)}
}

// cause keeps what an operator can act on.
func cause(err error) error {
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errors.New("the server's certificate is not trusted: " + kind(bad.Err))
	}
	return err
}

func kind(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "another host's"
	}
	return "expired, not yet valid or for another use"
}
