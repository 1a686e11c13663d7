package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// A session ends when nobody has used it for sessionIdle, and sessionMost after it began.
const (
	sessionIdle = 30 * time.Minute
	sessionMost = 10 * time.Hour
	// sessionIssuer bounds one that an issuer began: it alone knows who has lost a role.
	sessionIssuer = time.Hour
	maxSessions   = 10_000
)

// session is a person who is logged in. The cookie holds its name, the server only the
// digest of that.
type session struct {
	who    string // for the trail
	claims map[string]any
	local  bool
	token  string // of forms
	began  time.Time

	mu      sync.Mutex
	used    time.Time
	looks   map[string]time.Time // events shown in full, and until when
	streams int                  // live parts that are open
}

// person is a token of who logged in, whatever they are called: the issuer's own name for
// them, as a digest. "" for the one person on this machine.
func (x *session) person() string {
	sub, _ := x.claims["sub"].(string)
	if sub == "" {
		return ""
	}
	issuer, _ := x.claims["iss"].(string)
	return event.KeyToken(issuer + " " + sub)
}

type sessions struct {
	now func() time.Time

	mu    sync.Mutex
	of    map[[32]byte]*session
	swept time.Time // when those that were over were dropped last
}

// secret is 256 random bits as text.
func secret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it does not fail (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// begin makes a session and its cookie's value.
func (s *sessions) begin(who string, claims map[string]any, local bool) (*session, string) {
	now := s.now()
	one := &session{who: who, claims: claims, local: local, token: secret(), began: now, used: now, looks: map[string]time.Time{}}
	name := secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[[32]byte]*session{}
	}
	if now.Sub(s.swept) > time.Minute {
		s.swept = now
		maps.DeleteFunc(s.of, func(_ [32]byte, other *session) bool { return other.over(now) })
	}
	if len(s.of) >= maxSessions {
		s.dropOldest()
	}
	s.of[sha256.Sum256([]byte(name))] = one
	return one, name
}

// dropOldest is called with mu held.
func (s *sessions) dropOldest() {
	var oldest [32]byte
	var at time.Time
	for id, one := range s.of {
		if at.IsZero() || one.began.Before(at) {
			oldest, at = id, one.began
		}
	}
	delete(s.of, oldest)
}

func (x *session) over(now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return now.Sub(x.used) > sessionIdle || now.Sub(x.began) > sessionMost || !x.local && now.Sub(x.began) > sessionIssuer
}

// find gives the session of a cookie and notes that it is used; nil when there is none.
func (s *sessions) find(name string, using bool) *session {
	now := s.now()
	id := sha256.Sum256([]byte(name))
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of[id]
	if one == nil {
		return nil
	}
	if one.over(now) {
		delete(s.of, id)
		return nil
	}
	if using {
		one.mu.Lock()
		one.used = now
		one.mu.Unlock()
	}
	return one
}

func (s *sessions) end(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, sha256.Sum256([]byte(name)))
}

// fits tells whether a form has the session's token.
func (x *session) fits(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(x.token)) == 1
}

// looking tells until when an event is shown in full; zero: it is not.
func (x *session) looking(at string, now time.Time) time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	until := x.looks[at]
	if !now.Before(until) {
		delete(x.looks, at)
		return time.Time{}
	}
	return until
}

func (x *session) look(at string, until time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.looks[at] = until
}

// sessionCookie names the cookie; __Host- keeps other hosts of the domain from setting it.
func (s *Server) sessionCookie() string {
	if s.secure() {
		return "__Host-amtsbote"
	}
	return "amtsbote"
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string, maxAge time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is left out where browsers come by http, on loopback
		Name: name, Value: value, Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(maxAge / time.Second),
	})
}

// links are those that let the person on this machine in, once each.
type links struct {
	now func() time.Time

	mu sync.Mutex
	of map[[32]byte]time.Time
}

const (
	maxLinks = 100
	linkFor  = 10 * time.Minute
)

func (l *links) make() string {
	s := secret()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || len(l.of) >= maxLinks {
		l.of = map[[32]byte]time.Time{}
	}
	l.of[sha256.Sum256([]byte(s))] = l.now()
	return s
}

// use tells whether a link was made and was not used.
func (l *links) use(s string) bool {
	id := sha256.Sum256([]byte(s))
	l.mu.Lock()
	defer l.mu.Unlock()
	made, ok := l.of[id]
	delete(l.of, id)
	return ok && l.now().Sub(made) <= linkFor
}

// limiter lets each person do something so often a minute.
type limiter struct {
	now func() time.Time

	mu     sync.Mutex
	minute int64
	of     map[string]int
}

func (l *limiter) allow(who string, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := l.now().Unix() / 60; minute != l.minute || l.of == nil {
		l.minute, l.of = minute, map[string]int{}
	}
	l.of[who]++
	return l.of[who] <= most
}

// spent tells whether allow would refuse.
func (l *limiter) spent(who string, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Unix()/60 == l.minute && l.of[who] >= most
}
