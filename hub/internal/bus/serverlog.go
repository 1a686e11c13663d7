package bus

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"
)

// serverLog passes the NATS server's own lines to zap. They hold no payloads:
// tracing stays off.
type serverLog struct {
	log        *zap.Logger
	violations *violations
	fatal      *atomic.Value // what the server said last when it could not go on: a string
}

func (l *serverLog) Noticef(format string, v ...any) { l.log.Sugar().Debugf(format, v...) }
func (l *serverLog) Warnf(format string, v ...any)   { l.log.Sugar().Warnf(format, v...) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}

// Fatalf is what the server says when it cannot go on.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.log.Sugar().Errorf(format, v...)
	l.fatal.Store(fmt.Sprintf(format, v...))
}

// Errorf counts what clients may not do instead of writing it down: a line for each
// would let them fill the log, with subjects of their own choice.
func (l *serverLog) Errorf(format string, v ...any) {
	kind := violation(format)
	if kind == "" {
		l.log.Sugar().Errorf(format, v...)
		return
	}
	if n := l.violations.add(kind); n&(n-1) == 0 { // 1, 2, 4, 8, …
		l.log.Warn("a NATS client tried what it may not", zap.String("what", string(kind)), zap.Uint64("times", n))
	}
}

// Violation is what a client tried and may not do.
type Violation string

// The violations.
const (
	ViolationPublish   Violation = "publish"   // to a subject that is not its own, or with such a reply
	ViolationSubscribe Violation = "subscribe" // to a subject that is not its own
	ViolationConnect   Violation = "connect"   // without a credential in force, or more often than its account may
	ViolationPayload   Violation = "payload"   // a message that is too large
)

// violation tells of which kind the server's line is (nats-server 2.15,
// server/client.go and errors.go); "" for one that is about something else.
func violation(format string) Violation {
	for _, k := range []struct {
		words string
		kind  Violation
	}{
		{"Publish Violation", ViolationPublish},
		{"Subscription Violation", ViolationSubscribe},
		{"authentication error", ViolationConnect},
		{"maximum account active connections exceeded", ViolationConnect},
		{"User Authentication", ViolationConnect},
		{"maximum payload exceeded", ViolationPayload},
	} {
		if strings.Contains(format, k.words) {
			return k.kind
		}
	}
	return ""
}

type violations struct {
	sync.Mutex
	of map[Violation]uint64
}

func (c *violations) add(v Violation) uint64 {
	c.Lock()
	defer c.Unlock()
	if c.of == nil {
		c.of = map[Violation]uint64{}
	}
	c.of[v]++
	return c.of[v]
}

// Violations tells how often clients of the embedded server tried what they may not,
// since the process started.
func (s *Server) Violations() map[Violation]uint64 {
	s.violations.Lock()
	defer s.violations.Unlock()
	return maps.Clone(s.violations.of)
}
