package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// live counts who follows a page, so that they are not too many.
type live struct {
	mu sync.Mutex
	n  int
}

const (
	maxLive        = 500
	maxLiveSession = 6
	liveEvery      = 2 * time.Second
	liveBeat       = 15 * time.Second // something is sent at least so often
)

func (q *request) follow() (leave func(), ok bool) {
	q.followed.mu.Lock()
	defer q.followed.mu.Unlock()
	q.session.mu.Lock()
	defer q.session.mu.Unlock()
	if q.followed.n >= maxLive || q.session.streams >= maxLiveSession {
		return nil, false
	}
	q.followed.n++
	q.session.streams++
	return func() {
		q.followed.mu.Lock()
		q.followed.n--
		q.followed.mu.Unlock()
		q.session.mu.Lock()
		q.session.streams--
		q.session.mu.Unlock()
	}, true
}

// livePart is a part of a page that is new.
type livePart struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// follower is somebody who follows a page.
type follower struct {
	org   string
	least federation.Sight // that the page asks for
	parts func() ([]livePart, error)
}

// liveOverview sends the parts of the overview as they change (server-sent events).
func (q *request) liveOverview() error {
	org, err := q.organisation(federation.SightCounts)
	if err != nil {
		return err
	}
	return q.live(&follower{org, federation.SightCounts, func() ([]livePart, error) { return q.parts(org) }})
}

// live sends the parts of a page as they change, as long as somebody follows it.
func (q *request) live(f *follower) error {
	leave, ok := q.follow()
	if !ok {
		return &refused{status: http.StatusServiceUnavailable}
	}
	defer leave()
	c := http.NewResponseController(q.w)
	_ = c.SetReadDeadline(time.Time{})
	_ = c.SetWriteDeadline(time.Time{})
	q.w.Header().Set("Content-Type", "text/event-stream")
	q.w.WriteHeader(http.StatusOK)
	return q.stream(c, f)
}

// stream ends with the session, with a sight that is gone, or with the server.
func (q *request) stream(c *http.ResponseController, f *follower) error {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	sent, last := map[string]string{}, time.Now()
	for {
		parts, err := f.parts()
		if err != nil {
			return nil //nolint:nilerr // the browser asks again, and is told then
		}
		out, err := changed(parts, sent)
		if err != nil {
			return err
		}
		if len(out) == 0 && time.Since(last) > liveBeat {
			out = []byte(": still here\n\n")
		}
		if len(out) > 0 {
			last = time.Now()
			if err := q.send(c, out); err != nil {
				return nil //nolint:nilerr // the browser is gone
			}
		}
		select {
		case <-tick.C:
		case <-q.r.Context().Done():
			return nil
		case <-q.ending.Done():
			return nil
		}
		if !q.still(f) {
			return nil
		}
	}
}

// changed writes the parts that were not sent like this before.
func changed(parts []livePart, sent map[string]string) ([]byte, error) {
	var out bytes.Buffer
	for _, p := range parts {
		if sent[p.ID] == p.HTML {
			continue
		}
		sent[p.ID] = p.HTML
		raw, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "event: part\ndata: %s\n\n", raw)
	}
	return out.Bytes(), nil
}

func (q *request) send(c *http.ResponseController, out []byte) error {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // who does not read is let go
	if _, err := q.w.Write(out); err != nil {
		return err
	}
	return c.Flush()
}

// still tells whether the person may go on seeing this.
func (q *request) still(f *follower) bool {
	cookie, err := q.r.Cookie(q.sessionCookie())
	if err != nil || q.sessions.find(cookie.Value, false) != q.session {
		return false
	}
	q.person = q.Server.person(q.session)
	return q.person.sight(f.org) >= f.least && (f.org != "" || q.person.all() >= f.least)
}

func (q *request) parts(org string) ([]livePart, error) {
	now, err := q.snapshot(q.r.Context())
	if err != nil {
		return nil, err
	}
	data := q.overviewOf(now, org)
	page := q.page("overview", q.t.Overview, data)
	var out []livePart
	for _, id := range []string{"counts", "picture", "ways"} {
		var b bytes.Buffer
		if err := q.pages.part(&b, "overview", id, page); err != nil {
			return nil, err
		}
		out = append(out, livePart{id, b.String()})
	}
	return out, nil
}
