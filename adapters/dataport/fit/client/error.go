package client

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
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
	// Gone is 404 in a problem of the service: there is no such thing; see Missing.
	Gone
	// Refused is any other 4xx in a problem of the service: the same call will not
	// succeed. A 4xx without one is somebody else's in between, and passes (Retry).
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
	// Own is whether it is a problem of the service's own, by its type.
	Own bool
	// Missing is whether the service says by the problem's name that it has no such
	// submission or case.
	Missing bool
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

// problemPrefix begins the types of the service's problems.
const problemPrefix = "https://schema.fitko.de/fit-connect/"

// MissingNames are the problems by which the service says that it has no such
// submission or case: the first is FITKO's, the second is not confirmed.
func MissingNames() []string { return []string{"submission-not-found", "case-not-found"} }

// IsMissing says whether an error is the service's word that it has no such
// submission or case.
func IsMissing(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Missing
}

// transient is the error, as one that passes.
func transient(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Class != Gone && e.Class != Refused {
		return err
	}
	other := *e
	other.Class, other.Missing = Retry, false
	return &other
}

// failure reads a problem (RFC 7807), of it only the type: details may quote. What
// the service has not said itself is nobody's last word.
func (c *Client) failure(doing string, resp *http.Response) *Error {
	e := readProblem(doing, resp)
	switch {
	case !e.Own && (e.Class == Gone || e.Class == Refused):
		e.Class = Retry
	case e.Class == Gone:
		e.Missing = slices.Contains(c.cfg.Missing, e.Type)
	}
	return e
}

func readProblem(doing string, resp *http.Response) *Error {
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
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	e.Own = e.Type != "" && kind == "application/problem+json" && strings.HasPrefix(p.Type, problemPrefix)
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
