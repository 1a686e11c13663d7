package hub

import (
	"errors"
	"fmt"
	"time"
)

// Fault is an error that says whether trying again can help. An adapter
// returns it (wrapped or not); the hub alone decides what follows. An error
// without a Fault in its chain counts as retryable.
type Fault struct {
	// Code is a short stable name, [a-z0-9-]: "unmappable", "disk-full".
	Code string
	// Permanent is true when the same call can never succeed: the event goes to
	// quarantine (sink), the file or message to the error folder (source).
	Permanent bool
	// After is the shortest time to wait before the next try, as asked for by
	// the other side (Retry-After); 0 leaves it to the hub.
	After time.Duration
	// Later is true when nothing was tried, or the other side asked to wait: the call
	// does not count as an attempt, and the key is not parked for it, however often.
	// The next comes after After.
	Later bool
	// Err says what was being done; it holds no payload and no personal data.
	Err error
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Err == nil {
		return f.Code
	}
	return f.Code + ": " + f.Err.Error()
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Permanent makes a Fault that no retry can mend. The format must not contain
// payload values.
func Permanent(code, format string, args ...any) error {
	return &Fault{Code: code, Permanent: true, Err: fmt.Errorf(format, args...)}
}

// Retryable makes a Fault that is worth another try.
func Retryable(code, format string, args ...any) error {
	return &Fault{Code: code, Err: fmt.Errorf(format, args...)}
}

// FaultOf gives the Fault in err's chain; an error without one is wrapped as
// retryable with code "fault". It returns nil for nil.
func FaultOf(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Code: "fault", Err: err}
}
