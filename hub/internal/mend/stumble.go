package mend

import (
	"errors"
	"strings"
	"time"
)

// StumbledError means that the server has come upon damaged blocks of streams. In
// memory it then has them half: it may read them anew for each message, some 20 ms
// each, or not get past them, whoever reads. So it must look through the blocks at a
// restart; then Records can be called again.
type StumbledError struct{ Streams []string }

func (e StumbledError) Error() string {
	return "the server has come upon damaged blocks of " + strings.Join(e.Streams, ", ")
}

var errStumbled = errors.New("the server has come upon a damaged block")

// stumble tells whether the server should look through a stream's blocks: once.
func (m *Mender) stumble(stream string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.Hasty || m.looked[stream] {
		return false
	}
	m.looked[stream] = true
	m.stumbled = append(m.stumbled, stream)
	return true
}

// pace of reading.
type pace struct {
	messages, bytes int
	since           time.Time
}

// A whole block is read a hundred times as fast.
const (
	paceOf    = 200
	slowPace  = 500      // messages a second
	slowBytes = 20 << 20 // bytes a second
)

// slow takes in a message and tells whether the last ones came slowly.
func (p *pace) slow(size int, now time.Time) bool {
	p.messages, p.bytes = p.messages+1, p.bytes+size
	if p.messages < paceOf {
		return false
	}
	took := now.Sub(p.since).Seconds()
	slow := took*slowPace > float64(p.messages) && took*slowBytes > float64(p.bytes)
	*p = pace{since: now}
	return slow
}
