package phoenix_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/hub"
)

// wrongServer is a homeserver that says what it is told to say.
type wrongServer struct {
	mu      sync.Mutex
	send    http.HandlerFunc // answers PUT; nil: it is sent
	state   http.HandlerFunc // answers the question for encryption; nil: there is none
	login   http.HandlerFunc
	look    http.HandlerFunc // answers the look back; nil: there is nothing
	sent    []string
	devices []string
}

func (s *wrongServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	switch {
	case strings.HasSuffix(r.URL.Path, "/login"):
		var in struct {
			Device string `json:"device_id"`
		}
		_ = json.Unmarshal(body, &in)
		s.devices = append(s.devices, in.Device)
		if s.login != nil {
			s.login(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"access_token": "t", "device_id": "d", "user_id": "@a:b"}`)
	case r.Method == http.MethodPut && s.send != nil:
		s.send(w, r)
	case r.Method == http.MethodPut:
		s.sent = append(s.sent, r.URL.Path+" "+string(body))
		_, _ = io.WriteString(w, `{"event_id": "$1"}`)
	case strings.HasSuffix(r.URL.Path, "/messages"):
		if s.look != nil {
			s.look(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"chunk": []}`)
	case strings.HasSuffix(r.URL.Path, "/whoami"):
		_, _ = io.WriteString(w, `{"user_id": "@bote:b"}`)
	case s.state != nil:
		s.state(w, r)
	default:
		says(http.StatusNotFound, `{"errcode": "M_NOT_FOUND"}`)(w, r)
	}
}

func (s *wrongServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (s *wrongServer) sink(t *testing.T, at *served, dir string) hub.Sink {
	t.Helper()
	sink, err := phoenix.Matrix().Sink(env(dir), adaptertest.Settings("{url: '"+at.URL+"', raeume: ['!a:b'], benutzer: bote, passwort: passwort}"))
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for line := strings.Repeat("x", 1<<16); ; {
		if _, err := io.WriteString(w, line); err != nil {
			return
		}
	}
}

// TestMatrixFaults: what a homeserver can say that Dendrite did not.
func TestMatrixFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		send, state, login http.HandlerFunc
		code               string
		after              time.Duration
		permanent          bool
	}{
		"limit in the body":     {send: says(429, `{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}`), code: "rate-limited", after: 2500 * time.Millisecond},
		"limit for ever":        {send: says(429, `{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1e300}`), code: "rate-limited", after: time.Hour},
		"limit without a time":  {send: says(429, `{}`), code: "rate-limited", after: time.Second},
		"limit of logins":       {login: says(429, `{"retry_after_ms": 3000}`), code: "rate-limited", after: 3 * time.Second},
		"no password":           {login: says(403, `{"errcode": "M_FORBIDDEN"}`), code: "forbidden"},
		"no such login":         {login: says(400, `{"errcode": "M_UNKNOWN"}`), code: "refused"},
		"a token with a line":   {login: says(200, `{"access_token": "a\r\nb"}`), code: "answer-unreadable"},
		"an endless token":      {login: endless, code: "answer-too-large"},
		"a page":                {send: says(200, `<html>Wartung</html>`), code: "answer-unreadable"},
		"no event":              {send: says(200, `{"event_id": 7}`), code: "answer-unreadable"},
		"endless":               {send: endless, code: "answer-too-large"},
		"token unknown":         {send: says(401, `{"errcode": "M_UNKNOWN_TOKEN"}`), code: "unauthorised"},
		"may not write":         {send: says(403, `{"errcode": "M_FORBIDDEN"}`), code: "forbidden"},
		"too large":             {send: says(413, `{"errcode": "M_TOO_LARGE"}`), code: "refused", permanent: true},
		"a proxy's limit":       {send: says(413, `<html>zu groß</html>`), code: "refused"},
		"a proxy's refusal":     {send: says(400, `{}`), code: "refused"},
		"not this one alone":    {send: says(405, `{"errcode": "M_UNRECOGNIZED"}`), code: "refused"},
		"not to be entered":     {state: says(400, `{"errcode": "M_BAD_STATE"}`), code: "refused"},
		"bad":                   {send: says(400, `{"errcode": "M_BAD_JSON"}`), code: "refused", permanent: true},
		"server":                {send: says(502, ``), code: "server-error"},
		"encrypted":             {state: says(200, `{"algorithm": "m.megolm.v1.aes-sha2"}`), code: "room-encrypted"},
		"no homeserver":         {state: says(404, `<html>nginx</html>`), code: "not-found"},
		"a page for the state":  {state: says(200, `<html>Anmelden</html>`), code: "answer-unreadable"},
		"state of another sort": {state: says(200, `{"creator": "@a:b"}`), code: "answer-unreadable"},
	} {
		s := &wrongServer{send: c.send, state: c.state, login: c.login}
		if c.state != nil { // and it does not get in
			s.state = func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					_, _ = io.WriteString(w, "{}")
					return
				}
				c.state(w, r)
			}
		}
		at, dir := serve(t, s), t.TempDir()
		write(t, dir, "passwort", password)
		sink := s.sink(t, at, dir)
		f := hub.FaultOf(sink.Deliver(t.Context(), delivery(1)))
		if f == nil || f.Code != c.code || f.After != c.after || f.Permanent != c.permanent || f.Later != (c.after > 0) {
			t.Errorf("%s: %+v", name, f)
			continue
		}
		if text := f.Error(); strings.Contains(text, "Wartung") || strings.Contains(text, "M_") || strings.Contains(text, at.URL) {
			t.Errorf("%s: the fault tells too much: %s", name, text)
		}
		s.set(func() { s.send, s.state, s.login = nil, nil, nil })
		if err := s.sink(t, at, dir).Deliver(t.Context(), delivery(1)); err != nil || len(s.sent) != 1 {
			t.Errorf("%s: afterwards %v, %q", name, err, s.sent)
		}
	}
}

// The login is always of the same device, and two adapters have two.
func TestMatrixDevice(t *testing.T) {
	t.Parallel()
	s := &wrongServer{}
	at, dir := serve(t, s), t.TempDir()
	write(t, dir, "passwort", password)
	for n := range 2 {
		if err := s.sink(t, at, dir).Deliver(t.Context(), delivery(n)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.devices) != 2 || s.devices[0] != s.devices[1] || s.devices[0] == "" {
		t.Error(s.devices)
	}
	for _, sent := range s.sent {
		holdsNobody(t, sent)
	}
}

// What stands in a room when a bot looks back is foreign: it cannot stop a notice.
func TestMatrixPoisonedRoom(t *testing.T) {
	t.Parallel()
	for _, page := range []string{
		`{"chunk": [7, {"content": []}, {"content": {"de.amtsbote.hinweis": {"x": 1}}}]}`, `{"chunk": [{"content": {"de.amtsbote.hinweis": "fremd"}}]}`,
		`{"chunk": [{"sender": "@fremd:b", "content": {"de.amtsbote.hinweis": "ID"}}]}`,
		`{"chunk": [{"content": {"body": "` + strings.Repeat("x", 1<<20) + `"}}]}`,
	} {
		s := &wrongServer{send: says(502, ``)}
		at, dir := serve(t, s), t.TempDir()
		write(t, dir, "passwort", password)
		sink := s.sink(t, at, dir)
		if err := sink.Deliver(t.Context(), delivery(1)); err == nil {
			t.Fatal("502 is no success")
		}
		s.set(func() { s.send, s.look = nil, says(200, strings.Replace(page, "ID", noticeID(t, dir), 1)) })
		if err := sink.Deliver(t.Context(), delivery(1)); err != nil || len(s.sent) != 1 {
			t.Errorf("%.200s: %v, %q", page, err, s.sent)
		}
	}
}

// noticeID is that of the one notice that was begun.
func noticeID(t *testing.T, dir string) string {
	t.Helper()
	tries, err := filepath.Glob(filepath.Join(dir, "phoenix", "*", "versuche", "*-*"))
	if err != nil || len(tries) != 1 {
		t.Fatal(tries, err)
	}
	id, _, _ := strings.Cut(filepath.Base(tries[0]), "-")
	return id
}

// While the server cannot say what stands in the room, nothing is told again; its own
// notice there is taken for told.
func TestMatrixLookBack(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]http.HandlerFunc{
		"limit": says(429, `{}`), "server": says(503, ``), "refused": says(400, `{"errcode": "M_UNKNOWN"}`),
		"nothing": says(200, ``), "no page": says(200, `[]`), "no list": says(200, `{"chunk": {}}`), "html": says(200, `<html>Wartung</html>`),
	} {
		s := &wrongServer{send: says(502, ``)}
		at, dir := serve(t, s), t.TempDir()
		write(t, dir, "passwort", password)
		if err := s.sink(t, at, dir).Deliver(t.Context(), delivery(1)); err == nil {
			t.Fatal("502 is no success")
		}
		s.set(func() { s.send, s.look = nil, look })
		if f := hub.FaultOf(s.sink(t, at, dir).Deliver(t.Context(), delivery(1))); f == nil || f.Permanent || len(s.sent) != 0 {
			t.Errorf("%s: %v, %q", name, f, s.sent)
		}
		mine := `{"chunk": [{"sender": "@bote:b", "content": {"de.amtsbote.hinweis": "` + noticeID(t, dir) + `"}}]}`
		s.set(func() { s.look = says(200, mine) })
		if err := s.sink(t, at, dir).Deliver(t.Context(), delivery(1)); err != nil || len(s.sent) != 0 {
			t.Errorf("%s: %v, %q", name, err, s.sent)
		}
	}
}

// A room that becomes encrypted gets no further notice.
func TestMatrixEncryptedMeanwhile(t *testing.T) {
	t.Parallel()
	s := &wrongServer{}
	at, dir := serve(t, s), t.TempDir()
	write(t, dir, "passwort", password)
	sink := s.sink(t, at, dir)
	if err := sink.Deliver(t.Context(), delivery(1)); err != nil {
		t.Fatal(err)
	}
	s.set(func() { s.state = says(200, `{"algorithm": "m.megolm.v1.aes-sha2"}`) })
	if f := hub.FaultOf(sink.Deliver(t.Context(), delivery(2))); f == nil || f.Code != "room-encrypted" || len(s.sent) != 1 {
		t.Error(f, s.sent)
	}
}
