package digiwf

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// TestBrokenOff: a source goes on when a broker is not there for a while, which the client
// mends by itself, and ends, and so is told, when it may not join its group.
func TestBrokenOff(t *testing.T) {
	refused := fmt.Errorf("unable to dial: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)})
	r := &run{source: &source{log: zap.NewNop()}}
	for name, c := range map[string]struct {
		err  error
		ends bool
	}{
		"no broker while it joins": {&kgo.ErrGroupSession{Err: refused}, false},
		"it may not join":          {&kgo.ErrGroupSession{Err: kerr.GroupAuthorizationFailed}, true},
		"it may not read":          {kerr.TopicAuthorizationFailed, true},
	} {
		if err := r.broken(t.Context(), kgo.NewErrFetch(c.err)); (err != nil) != c.ends || c.ends && !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
