package webhookin_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/webhookin"
)

// raw sends a request's head, and gives what is answered.
func (h *house) raw(t *testing.T, headers ...string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	head := fmt.Sprintf("POST /meldung HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	if _, err := conn.Write([]byte(head + strings.Join(append(headers, "\r\n"), "\r\n"))); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func answered(t *testing.T, r *bufio.Reader) int {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestSlowSender: who sends its body slowly keeps nobody else out.
func TestSlowSender(t *testing.T) {
	h := newHouse(t, github+"at-once: 1\n")
	client := h.run(t, adaptertest.NewIntake())
	conn, r := h.raw(t, "X-Hub-Signature-256: "+sign256(body), "Expect: 100-continue")
	if got := answered(t, r); got != http.StatusContinue { // the body is being read
		t.Fatal(got)
	}
	if status, code, err := post(t.Context(), client, h.url(), body, map[string]string{"X-Hub-Signature-256": sign256(body)}); status != 200 {
		t.Errorf("another sender: %d %s (%v)", status, code, err)
	}
	if _, err := conn.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if got := answered(t, r); got != http.StatusOK {
		t.Error(got)
	}
}

// TestUnsignedBeforeBody: without a signature no body is asked for.
func TestUnsignedBeforeBody(t *testing.T) {
	h := newHouse(t, github)
	h.run(t, adaptertest.NewIntake())
	_, r := h.raw(t, "Expect: 100-continue")
	if got := answered(t, r); got != http.StatusUnauthorized {
		t.Error(got)
	}
}

// crowd is a listener to which connections of given addresses come.
type crowd struct {
	net.Listener
	from []string
}

type visitor struct {
	net.Conn
	from string
}

type tcpAddr string

func (a tcpAddr) Network() string      { return "tcp" }
func (a tcpAddr) String() string       { return string(a) }
func (v visitor) RemoteAddr() net.Addr { return tcpAddr(v.from) }

func (c *crowd) Accept() (net.Conn, error) {
	if len(c.from) == 0 {
		return nil, net.ErrClosed
	}
	a, _ := net.Pipe()
	v := visitor{a, c.from[0]}
	c.from = c.from[1:]
	return v, nil
}

// TestLimit: beyond the bounds connections are closed, those of one address first;
// a place that is left is free again.
func TestLimit(t *testing.T) {
	c := &crowd{}
	l := webhookin.Limit(c, 4, 2)
	open := map[string]net.Conn{}
	accept := func(from ...string) string {
		c.from = from
		var in []string
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return strings.Join(in, " ")
			}
			if err != nil {
				t.Fatal(err)
			}
			in = append(in, conn.RemoteAddr().String())
			open[conn.RemoteAddr().String()] = conn
		}
	}
	if got := accept("192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "192.0.2.2:1"); got != "192.0.2.1:1 192.0.2.1:2 192.0.2.2:1" {
		t.Error(got)
	}
	if got := accept("127.0.0.1:1", "192.0.2.3:1"); got != "127.0.0.1:1" {
		t.Error(got)
	}
	for range 2 { // the server may close one twice
		if err := open["192.0.2.1:2"].Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := accept("192.0.2.1:4", "192.0.2.4:1"); got != "192.0.2.1:4" {
		t.Error(got)
	}
	for _, name := range []string{"192.0.2.1:1", "192.0.2.1:4", "192.0.2.2:1", "127.0.0.1:1"} {
		if err := open[name].Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := accept("127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4", "127.0.0.1:5", "127.0.0.1:6"); got != "127.0.0.1:2 127.0.0.1:3 127.0.0.1:4 127.0.0.1:5" {
		t.Error(got)
	}
}
