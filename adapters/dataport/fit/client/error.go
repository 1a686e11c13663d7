package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Class says whose move it is after an error.
type Class int

// The classes.
const (
	// Retry passes by itself: no answer, 408, 429, 5xx, an answer that is none.
	Retry Class = iota
	// Login is a token or credentials that are not taken.
	Login
	// Unlinked is 403: client and destination are not connected in the portal.
	Unlinked
	// Gone is 404: there is no such submission, case or key any more.
	Gone
	// Refused is any other 4xx: the same call will not succeed.
	Refused
	// TooLarge is an answer beyond its bound.
	TooLarge
)

// Error is a call that failed. It has no address and nothing of the content.
type Error struct {
	Doing  string
	Class  Class
	Status int    // 0: no answer
	Type   string // last part of the problem's type (RFC 7807)
	// After is how long the service asks to wait.
	After time.Duration
	Err   error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Doing
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Type != "" {
		text += " (" + e.Type + ")"
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf gives the class of an error of a client, Retry for any other.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Retry
}

func classOf(status int) Class {
	switch {
	case status == http.StatusUnauthorized:
		return Login
	case status == http.StatusForbidden:
		return Unlinked
	case status == http.StatusNotFound || status == http.StatusGone:
		return Gone
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		return Refused
	}
	return Retry
}

var problemName = regexp.MustCompile(`^[a-z0-9-]{1,80}$`)

// failure reads a problem (RFC 7807), of it only the type: details may quote.
func failure(doing string, resp *http.Response) *Error {
	defer func() { _ = resp.Body.Close() }()
	e := &Error{Doing: doing, Class: classOf(resp.StatusCode), Status: resp.StatusCode, Err: fmt.Errorf("HTTP status %d", resp.StatusCode)}
	if e.Class == Unlinked {
		e.Err = fmt.Errorf("HTTP status %d: connect client and destination in the Self-Service-Portal", resp.StatusCode)
	}
	e.After = waitAsked(resp)
	var p struct {
		Type string `json:"type"`
	}
	if json.UnmarshalRead(io.LimitReader(resp.Body, maxProblem), &p) == nil {
		if name := p.Type[strings.LastIndexByte(p.Type, '/')+1:]; problemName.MatchString(name) {
			e.Type = name
		}
	}
	return e
}

// maxAfter bounds what a service can make us wait.
const maxAfter = time.Hour

// waitAsked is how long an answer that says that the service is busy asks to wait; in
// others the header is about something else.
func waitAsked(resp *http.Response) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	return retryAfter(resp.Header, time.Now())
}

// retryAfter reads Retry-After (RFC 9110, 10.2.3), or RateLimit-Reset in seconds.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value == "" && h.Get("RateLimit-Remaining") == "0" {
		value = h.Get("RateLimit-Reset")
	}
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return min(time.Duration(min(seconds, 86400))*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), maxAfter)
	}
	return 0
}
