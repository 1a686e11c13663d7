package console

import (
	"slices"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
)

// drafts are edited events that were not taken, one of each session: so that who then
// changes language or theme finds the text again. They are in memory alone.
type drafts struct {
	now func() time.Time

	mu sync.Mutex
	of []draft // the oldest first
}

// draft is what a person wanted to send in the place of a refused event.
type draft struct {
	session      *session
	seq          uint64 // in QUARANTINE
	text, reason string
	err          error // why it was not taken
	at           time.Time
}

// maxDrafts is how many there are at most: the oldest goes.
const maxDrafts = 32

// keep notes one in the place of the session's last one.
func (x *drafts) keep(d draft) {
	if len(d.text) > quarantine.MaxEdited {
		return
	}
	d.at = x.now()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.of = slices.DeleteFunc(x.of, func(o draft) bool { return o.session == d.session || d.at.Sub(o.at) > lookFor })
	x.of = append(x.of, d)
	x.of = slices.Delete(x.of, 0, max(0, len(x.of)-maxDrafts))
}

// find gives the one of a session and event.
func (x *drafts) find(s *session, seq uint64) (d draft, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.of, func(o draft) bool { return o.session == s && o.seq == seq })
	if i < 0 || x.now().Sub(x.of[i].at) > lookFor {
		return d, false
	}
	return x.of[i], true
}

// drop lets go of the one of a session.
func (x *drafts) drop(s *session) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.of = slices.DeleteFunc(x.of, func(o draft) bool { return o.session == s })
}
