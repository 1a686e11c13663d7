package hub

import (
	"sync/atomic"
	"time"
)

// Watched is a Source that tells when it last looked whether something has come, and got
// an answer from its foreign system: what people ask first when nothing comes.
type Watched interface {
	// Looked is zero when it has not since the hub started.
	Looked() time.Time
}

// Looks is a Watched to embed. Its methods may be called concurrently.
type Looks struct{ at atomic.Int64 }

var _ Watched = (*Looks)(nil)

// Look notes that the source has looked now.
func (l *Looks) Look() { l.at.Store(time.Now().UnixNano()) }

// Looked implements Watched.
func (l *Looks) Looked() time.Time {
	if at := l.at.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}
