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
	q.live.mu.Lock()
	defer q.live.mu.Unlock()
	q.session.mu.Lock()
	defer q.session.mu.Unlock()
	if q.live.n >= maxLive || q.session.streams >= maxLiveSession {
		return nil, false
	}
	q.live.n++
	q.session.streams++
	return func() {
		q.live.mu.Lock()
		q.live.n--
		q.live.mu.Unlock()
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

// liveOverview sends the parts of the overview as they change (server-sent events).
func (q *request) liveOverview() error {
	org, err := q.organisation(federation.SightCounts)
	if err != nil {
		return err
	}
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
	return q.stream(c, org)
}

// stream ends with the session, with a sight that is gone, or with the server.
func (q *request) stream(c *http.ResponseController, org string) error {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	sent, last := map[string]string{}, time.Now()
	for {
		parts, err := q.parts(org)
		if err != nil {
			return nil //nolint:nilerr // the browser asks again, and is told then
		}
		var out bytes.Buffer
		for _, p := range parts {
			if sent[p.ID] == p.HTML {
				continue
			}
			sent[p.ID] = p.HTML
			raw, err := json.Marshal(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "event: part\ndata: %s\n\n", raw)
		}
		if out.Len() == 0 && time.Since(last) > liveBeat {
			out.WriteString(": still here\n\n")
		}
		if out.Len() > 0 {
			last = time.Now()
			if err := q.send(c, out.Bytes()); err != nil {
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
		if !q.still(org) {
			return nil
		}
	}
}

func (q *request) send(c *http.ResponseController, out []byte) error {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // who does not read is let go
	if _, err := q.w.Write(out); err != nil {
		return err
	}
	return c.Flush()
}

// still tells whether the person may go on seeing this.
func (q *request) still(org string) bool {
	cookie, err := q.r.Cookie(q.sessionCookie())
	if err != nil || q.sessions.find(cookie.Value, false) != q.session {
		return false
	}
	q.person = q.Server.person(q.session)
	return q.person.sight(org) >= federation.SightCounts && (org != "" || q.person.all() >= federation.SightCounts)
}

func (q *request) parts(org string) ([]livePart, error) {
	data, err := q.overviewOf(q.r.Context(), org)
	if err != nil {
		return nil, err
	}
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
