package httpapi

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
)

// sniffer listens for connections whose request headers it looks at. net/http takes a
// request with both Transfer-Encoding and Content-Length by the former and drops the
// latter (RFC 9112, 6.3); what stands before the hub may do otherwise, and then the two
// see different requests. So such a request is refused. Over TLS nothing stands between,
// and requests that are sent without waiting for an answer are not looked at.
type sniffer struct{ net.Listener }

// Accept implements net.Listener.
func (l sniffer) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &sniffed{Conn: c, looking: true}, nil
}

// sniffed is a connection that knows whether its request is ambiguous.
type sniffed struct {
	net.Conn

	mu        sync.Mutex
	looking   bool // at the headers of a request
	head      []byte
	ambiguous bool
}

// Read implements net.Conn.
func (c *sniffed) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looking && n > 0 {
		c.look(p[:n])
	}
	return n, err
}

// maxHead is more than net/http reads of a request's headers: beyond maxHeader 4 KiB,
// and what its buffer holds.
const maxHead = maxHeader + 16<<10

func (c *sniffed) look(more []byte) {
	if len(c.head) == 0 {
		more = bytes.TrimLeft(more, "\r\n") // net/http drops some before a request
	}
	c.head = append(c.head, more...)
	end := headEnd(c.head)
	switch {
	case end >= 0:
		lower := bytes.ToLower(c.head[:end])
		c.ambiguous = bytes.Contains(lower, []byte("\ncontent-length:")) && bytes.Contains(lower, []byte("\ntransfer-encoding:"))
	case len(c.head) > maxHead:
		c.ambiguous = true // nobody has seen whether it is
	default:
		return
	}
	c.looking, c.head = false, nil
}

// headEnd is where the first empty line stands; -1: not yet there. Like net/http it
// takes a line feed alone for the end of a line.
func headEnd(head []byte) int {
	lf, crlf := bytes.Index(head, []byte("\n\n")), bytes.Index(head, []byte("\n\r\n"))
	if lf < 0 || crlf < 0 {
		return max(lf, crlf)
	}
	return min(lf, crlf)
}

// state hears of what net/http does with connections: after an answer the next request
// begins.
func state(nc net.Conn, now http.ConnState) {
	if c, ok := nc.(*sniffed); ok && now == http.StateIdle {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.looking, c.ambiguous, c.head = true, false, nil
	}
}

type sniffedKey struct{}

func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, sniffedKey{}, nc)
}

// ambiguous tells whether it is not clear where the request ends.
func ambiguous(r *http.Request) bool {
	c, ok := r.Context().Value(sniffedKey{}).(*sniffed)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ambiguous
}
