package eai

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// transportError is what a connection that failed is to a caller. The texts of net/http
// name addresses, and quote answers that are no HTTP: only its kind is kept.
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

// The kinds of broken connections that an operator can act on.
var (
	errRefused  = errors.New("the connection is refused")
	errReset    = errors.New("the connection was reset")
	errNoHost   = errors.New("there is no such host")
	errLookup   = errors.New("the host cannot be looked up")
	errEnded    = errors.New("the connection ended before the answer did")
	errTLS      = errors.New("TLS fails: the other side speaks none, or refuses the certificate")
	errNetwork  = errors.New("the network cannot be reached")
	errBroke    = errors.New("the connection broke")
	errUntested = errors.New("the server's certificate is not trusted: expired, not yet valid or for another use")
	errUnknown  = errors.New("the server's certificate is not trusted: unknown authority")
	errAnother  = errors.New("the server's certificate is not trusted: another host's")
)

func cause(err error) error {
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return untrusted(bad.Err)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return errNoHost
		}
		return errLookup
	}
	for _, kind := range []struct{ is, told error }{
		{syscall.ECONNREFUSED, errRefused},
		{syscall.ECONNRESET, errReset},
		{syscall.EPIPE, errReset},
		{syscall.ENETUNREACH, errNetwork},
		{syscall.EHOSTUNREACH, errNetwork},
		{io.EOF, errEnded},
		{io.ErrUnexpectedEOF, errEnded},
	} {
		if errors.Is(err, kind.is) {
			return kind.told
		}
	}
	if isTLS(err) {
		return errTLS
	}
	return errBroke
}

func isTLS(err error) bool {
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	operation, ok := errors.AsType[*net.OpError](err) // alerts that come over TCP
	return record || alert || errors.Is(err, http.ErrSchemeMismatch) || ok && operation.Op == "remote error"
}

func untrusted(err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return errUnknown
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return errAnother
	}
	return errUntested
}
