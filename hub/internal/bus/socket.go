package bus

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"go.uber.org/zap"
)

// Socket is the name of the Unix socket in the data directory by which commands on
// the same machine reach a server that asks for TLS: they need no certificate, the
// owner of the directory is who may open it.
const Socket = "nats.sock"

// maxSocketPath is what fits into a socket's address (unix(7)).
const maxSocketPath = 107

// socket passes connections on to the server as in-process ones.
type socket struct {
	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]struct{} // nil once it is closed
}

func (s *Server) listenSocket() error {
	path := filepath.Join(s.dir, Socket)
	if len(path) > maxSocketPath {
		return fmt.Errorf("%s is too long for the address of a socket (%d characters): choose a shorter data directory", path, maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("listen for commands: %w", err)
	}
	l, err := net.Listen("unix", path) //nolint:noctx // it ends with Stop
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("listen for commands: %w", err), l.Close())
	}
	s.socket = &socket{listener: l, open: map[net.Conn]struct{}{}}
	s.socket.wg.Go(func() { s.socket.serve(s) })
	return nil
}

func (k *socket) serve(s *Server) {
	for {
		c, err := k.listener.Accept()
		if err != nil {
			return // it is closed
		}
		inside, err := s.InProcessConn()
		if err != nil {
			s.log.Warn("a command was not let in", zap.Error(err))
			_ = c.Close()
			continue
		}
		if !k.hold(c, inside) {
			return
		}
		k.wg.Go(func() { k.pass(c, inside) })
		k.wg.Go(func() { k.pass(inside, c) })
	}
}

// hold remembers connections, or closes them if the socket is closed already.
func (k *socket) hold(conns ...net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range conns {
		if k.open == nil {
			_ = c.Close()
			continue
		}
		k.open[c] = struct{}{}
	}
	return k.open != nil
}

// pass copies until one side ends, and then ends both.
func (k *socket) pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range []net.Conn{to, from} {
		_ = c.Close()
		delete(k.open, c)
	}
}

// close ends all connections and waits.
func (k *socket) close() {
	if k == nil {
		return
	}
	_ = k.listener.Close()
	k.mu.Lock()
	for c := range k.open {
		_ = c.Close()
	}
	k.open = nil
	k.mu.Unlock()
	k.wg.Wait()
}

// unixSocket is where nats.go finds the server as if it were in the same process.
type unixSocket string

func (u unixSocket) InProcessConn() (net.Conn, error) { return net.Dial("unix", string(u)) } //nolint:noctx // an interface of nats.go
