package phoenix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

const rateLimited = "rate-limited"

// refused judges an answer that is no success: as worth another try, since what a server
// or something before it refuses because of who asks, or where, is the operator's matter.
func (a *answer) refused(what string) *hub.Fault {
	f := &hub.Fault{Code: "server-error", Err: fmt.Errorf("%s: the server answers HTTP %d", what, a.status)}
	switch {
	case a.status == http.StatusTooManyRequests:
		f.Code, f.Later, f.After = rateLimited, true, max(a.after(), time.Second)
	case a.status >= 500 || a.status == http.StatusRequestTimeout || a.status == http.StatusTooEarly:
		f.After = a.after()
	case a.status == http.StatusUnauthorized:
		f.Code = "unauthorised"
	case a.status == http.StatusForbidden:
		f.Code = "forbidden"
	case a.status == http.StatusNotFound:
		f.Code = "not-found"
	case a.status == http.StatusLocked || a.status == http.StatusConflict:
		f.Code = "conflict"
	case a.status >= 400:
		f.Code = "refused"
	default: // a success that is none, a redirect: another server than is meant
		f.Code = "answer-unreadable"
	}
	return f
}

// refusedOf judges the answer to the call that carried the event. Final is only that the
// server itself, as the form of its answer shows, finds fault with what was sent.
func (a *answer) refusedOf(what string, own bool) *hub.Fault {
	f := a.refused(what)
	f.Permanent = own && (a.status == http.StatusBadRequest || a.status == http.StatusRequestEntityTooLarge)
	return f
}

var causes = []struct {
	err  error
	text string
}{
	{syscall.ECONNREFUSED, "the connection is refused"},
	{syscall.ECONNRESET, "the connection is broken"},
	{syscall.EPIPE, "the connection is broken"},
	{io.EOF, "the connection ends without an answer"},
	{io.ErrUnexpectedEOF, "the answer breaks off"},
	{syscall.EHOSTUNREACH, "no way to the host"},
	{syscall.ENETUNREACH, "no way to the network"},
	{context.DeadlineExceeded, "not in time (setting frist)"},
}

// cause says in words of ours why no answer came: those of the network name addresses.
func cause(err error) string {
	for _, known := range causes {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the host's name is not known"
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return "not in time (setting frist)"
	}
	return "there is no connection, or it is not understood (proxy, TLS, protocol)"
}

// after reads Retry-After (RFC 9110, 10.2.3), or what Matrix says in the body.
func (a *answer) after() time.Duration {
	text := strings.TrimSpace(a.header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxAfter)
	}
	return a.matrixAfter()
}
