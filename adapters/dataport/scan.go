package dataport

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// errVirus means that the scanner has found something; its name for it is not
// told, since file names can be in it.
var errVirus = errors.New("the virus scanner has found something")

// scan is one stream to clamd (command INSTREAM, man clamd).
type scan struct {
	conn  net.Conn
	stop  func() bool
	limit time.Duration
	err   error // of writing: clamd may have ended early, and its answer says why
}

// startScan connects to clamd: "unix:/run/clamav/clamd.ctl", or host:port.
func startScan(ctx context.Context, address string, limit time.Duration) (*scan, error) {
	network, address := "tcp", strings.TrimPrefix(address, "tcp:")
	if path, is := strings.CutPrefix(address, "unix:"); is {
		network, address = "unix", path
	}
	conn, err := (&net.Dialer{Timeout: limit}).DialContext(ctx, network, address)
	if err != nil {
		return nil, hub.Retryable("clamd-away", "connect to clamd: %w", err)
	}
	s := &scan{conn: conn, limit: limit, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	if _, err := conn.Write([]byte("zINSTREAM\x00")); err != nil {
		s.close()
		return nil, hub.Retryable("clamd-away", "ask clamd: %w", err)
	}
	return s, nil
}

// Write implements io.Writer. It does not fail: what went wrong is told by end.
func (s *scan) Write(p []byte) (int, error) {
	if s.err == nil && len(p) > 0 {
		s.err = s.chunk(p)
	}
	return len(p), nil
}

func (s *scan) chunk(p []byte) error {
	if err := s.conn.SetDeadline(time.Now().Add(s.limit)); err != nil {
		return err
	}
	size := binary.BigEndian.AppendUint32(nil, uint32(len(p))) //nolint:gosec // G115: io.Copy's buffer is small
	_, err := (&net.Buffers{size, p}).WriteTo(s.conn)
	return err
}

// end closes the stream and reads the verdict: nil, errVirus, or an error that
// passes. What the scanner does not look at is no clean bill.
func (s *scan) end() error {
	if s.err == nil {
		_, s.err = s.conn.Write(make([]byte, 4))
	}
	_ = s.conn.SetDeadline(time.Now().Add(s.limit)) // a connection that is closed says so when it is read
	answer, err := bufio.NewReader(s.conn).ReadString(0)
	answer = strings.TrimSuffix(answer, "\x00")
	switch {
	case strings.HasSuffix(answer, " FOUND"):
		return errVirus
	case strings.HasSuffix(answer, ": OK") && s.err == nil && err == nil:
		return nil
	case strings.Contains(answer, "size limit exceeded"):
		return ours("clamd-limit", "the part is larger than clamd takes (StreamMaxLength)")
	}
	return hub.Retryable("clamd-answer", "%w", fmt.Errorf("clamd gave no verdict: %w", errors.Join(s.err, err)))
}

func (s *scan) close() {
	s.stop()
	_ = s.conn.Close()
}
