package post

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// said is what DigiWF, or whoever stands in front of it, has answered.
type said struct {
	status int
	media  string
	wait   *hub.Fault // nil unless it asked to wait
}

func mediaType(res *http.Response) string {
	media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

// isJSON holds for what DigiWF (Spring) says: the pages of proxies are HTML or text.
func (s *said) isJSON() bool {
	return s.media == "application/json" || strings.HasSuffix(s.media, "+json")
}

// isPage holds for an answer that only people read: a login, a notice of maintenance.
func (s *said) isPage() bool {
	return s.media == "text/html" || s.media == "application/xhtml+xml"
}

// judge says what an answer means: what is the message's fault no repetition mends,
// if DigiWF itself says so.
func (s *said) judge() error {
	switch {
	case s.status >= 200 && s.status < 300 && s.isPage():
		return hub.Retryable("not-digiwf", "call DigiWF: a page answers in its place (status %d)", s.status)
	case s.status >= 200 && s.status < 300:
		return nil
	case refuses(s.status) && s.isJSON():
		return hub.Permanent("refused", "call DigiWF: it refuses the message with status %d", s.status)
	case refuses(s.status):
		return hub.Retryable("not-digiwf", "call DigiWF: status %d, and no JSON: not its own word", s.status)
	case s.status == http.StatusUnauthorized, s.status == http.StatusForbidden:
		return hub.Retryable("not-allowed", "call DigiWF: it refuses the token with status %d", s.status)
	case s.wait != nil:
		return s.wait
	}
	return hub.Retryable("unavailable", "call DigiWF: status %d", s.status)
}

func refuses(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// gate is closed while a server has asked to wait.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

// maxAfter bounds what a server may ask for; politely is the wait when it does not say
// how long.
const (
	maxAfter = time.Hour
	politely = time.Second
)

// closed gives a Later fault while nothing may be asked.
func (g *gate) closed(code string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	left := time.Until(g.until)
	if left <= 0 {
		return nil
	}
	return &hub.Fault{Code: code, Later: true, After: left, Err: errors.New("the server has asked to wait")}
}

// judge closes the gate when the server asks for that: by status 429, or by a
// Retry-After beside a server's error (RFC 9110, 10.2.3).
func (g *gate) judge(code string, res *http.Response) *hub.Fault {
	after := retryAfter(res)
	if res.StatusCode == http.StatusTooManyRequests {
		after = max(after, politely)
	}
	if after <= 0 || res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(after); until.After(g.until) {
		g.until = until
	}
	return &hub.Fault{Code: code, Later: true, After: after, Err: fmt.Errorf("call the server: status %d", res.StatusCode)}
}

func retryAfter(res *http.Response) time.Duration {
	text := strings.TrimSpace(res.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxAfter)
	}
	return 0
}
