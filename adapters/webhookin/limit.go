package webhookin

import (
	"net"
	"sync"
)

// perSlot is how many connections there may be for each request that is worked on:
// the others are sending their bodies, slowly or not.
const perSlot = 4

// limited is a listener with bounds: what comes beyond them is closed at once, so
// that nobody keeps the others out by holding connections. A connection carries one
// request at a time (HTTP/1.1).
type limited struct {
	net.Listener

	all, each int // at the same time: of all addresses, of one

	mu    sync.Mutex
	total int
	of    map[string]int
}

func limit(l net.Listener, all, each int) *limited {
	return &limited{Listener: l, all: all, each: each, of: map[string]int{}}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := remoteHost(conn)
		if l.enter(from) {
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = conn.Close()
	}
}

// remoteHost is the address of the other side; "" for this machine, where a proxy
// stands for many.
func remoteHost(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil || loopback(host) {
		return ""
	}
	return host
}

func (l *limited) enter(from string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.all || from != "" && l.of[from] >= l.each {
		return false
	}
	l.total++
	l.of[from]++
	return true
}

func (l *limited) leave(from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.of[from]--; l.of[from] == 0 {
		delete(l.of, from)
	}
}

type counted struct {
	net.Conn

	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
