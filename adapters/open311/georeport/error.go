package georeport

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

// maxAfter is the longest that a server can ask for by Retry-After.
const maxAfter = time.Hour

// Error is why a call gave nothing. It holds no address, no key, nothing that was
// sent and nothing of the answer.
type Error struct {
	Code   string        // as a hub.Fault has it
	Status int           // HTTP; 0 when there was no answer
	After  time.Duration // Retry-After
	// Unknown is true when the server may have done what it was asked.
	Unknown bool
	Err     error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Code
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

// Fault says what the hub does: what a server refuses of this call alone is over,
// all else is worth another try.
func (e *Error) Fault(doing string) error {
	f := &hub.Fault{Code: e.Code, After: e.After, Err: fmt.Errorf("%s: %w", doing, e)}
	f.Later = e.Code == RateLimited
	f.Permanent = e.Code == Refused
	return f
}

// The codes of errors.
const (
	Unreachable = "unreachable"
	Timeout     = "timeout"
	Untrusted   = "untrusted"
	RateLimited = "rate-limited"
	ServerError = "server-error"
	Unauthor    = "unauthorised"
	NotFound    = "not-found"
	Refused     = "refused"
	Unreadable  = "answer-unreadable"
	TooLarge    = "answer-too-large"
)

// ErrorOf gives the Error in a chain, one of its own for another error.
func ErrorOf(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: Unreachable, Err: err}
}

// refused judges an HTTP status that is no success. GeoReport answers 400 also when its
// own backend is down ("General Service Error"), and proxies answer in its place: that
// alone is final which a POST gets as a list of errors of GeoReport. A redirect after a
// POST says nothing of what became of it (RFC 9110, 15.4.4: 303 comes after it was done).
func refused(res *http.Response, post, said bool) *Error {
	e := &Error{Status: res.StatusCode, After: after(res.Header.Get("Retry-After"))}
	switch s := res.StatusCode; {
	case s == http.StatusTooManyRequests:
		e.Code, e.After = RateLimited, max(e.After, time.Second)
	case s >= 500:
		e.Code, e.Unknown = ServerError, true
	case s == http.StatusRequestTimeout || s == http.StatusTooEarly || s == http.StatusConflict || s == http.StatusLocked:
		e.Code = ServerError
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.Code = Unauthor
	case s == http.StatusNotFound:
		e.Code = NotFound
	case post && said && (s == http.StatusBadRequest || s == http.StatusUnprocessableEntity):
		e.Code = Refused
	case s >= 400:
		e.Code = ServerError
	default: // a redirect, a success that is none: another server than is meant
		e.Code, e.Unknown = Unreadable, post
	}
	return e
}

// after reads Retry-After (RFC 9110, 10.2.3).
func after(text string) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxAfter)
	}
	return 0
}

// unreachable takes the address out of what net/http reports.
func unreachable(ctx context.Context, err error) *Error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		if outer.Timeout() && ctx.Err() == nil {
			return &Error{Code: Timeout}
		}
		err = outer.Err
	}
	if ctx.Err() != nil {
		return &Error{Code: Unreachable, Err: ctx.Err()}
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &Error{Code: Untrusted, Err: errors.New("the server's certificate is not trusted: " + untrusted(bad.Err))}
	}
	if errors.Is(err, ErrPlace) {
		return &Error{Code: Unreachable, Err: ErrPlace}
	}
	return &Error{Code: Unreachable, Err: errors.New("no connection, or it broke")}
}

func untrusted(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "another host's"
	}
	return "expired, not yet valid or for another use"
}
