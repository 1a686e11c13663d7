package phoenix_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/hub"
)

// line is the way from a bot to its server, which can lose answers.
type line struct {
	*homeserver
	at   *served
	room string
	dir  string

	blind  atomic.Bool // nothing is seen of what was said
	mu     sync.Mutex
	lose   string // method of the calls whose answers are lost
	tokens []string
	puts   int
}

func (h *homeserver) line(t testing.TB, bot string, state ...any) *line {
	t.Helper()
	return h.lineTo(t, h.room(t, bot, state...))
}

func (h *homeserver) lineTo(t testing.TB, room string) *line {
	t.Helper()
	target, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{homeserver: h, room: room, dir: t.TempDir()}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	l.at = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.loses(r) {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		if l.blind.Load() && strings.HasSuffix(r.URL.Path, "/messages") {
			_, _ = io.WriteString(w, `{"chunk": []}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	write(t, l.dir, "passwort", password+"\n")
	return l
}

func (l *line) loses(r *http.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		l.tokens = append(l.tokens, token)
	}
	if r.Method == http.MethodPut {
		l.puts++
	}
	return r.Method == l.lose
}

func (l *line) losing(method string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = method
}

func (l *line) open(credentials string) (hub.Sink, error) {
	return phoenix.Matrix().Sink(env(l.dir), adaptertest.Settings(
		fmt.Sprintf("{url: '%s', raeume: ['%s'], konsole: 'https://amtsbote.example.org', %s}", l.at.URL, l.room, credentials)))
}

func (l *line) sink(t testing.TB, credentials string) hub.Sink {
	t.Helper()
	s, err := l.open(credentials)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDendrite tries the kind matrix against a homeserver of others.
func TestDendrite(t *testing.T) {
	h := startDendrite(t)
	const login = "benutzer: amtsbote, passwort: passwort"
	h.register(t, "amtsbote")
	t.Run("suite", func(t *testing.T) {
		room, check := h.room(t, "amtsbote"), 0
		adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination {
			check++ // one room for all, since making one takes long: each has events of its own
			mine := check * 1000
			l := h.lineTo(t, room)
			write(t, l.dir, "token", h.login(t, "amtsbote"))
			return adaptertest.Destination{
				Sink: func() (hub.Sink, error) { return l.open("token: token") }, Unmappable: broken(), Down: l.at.fall,
				Event: func(n int) hub.Event { return happened(mine + n) },
				Effects: func() ([]string, error) {
					return slices.DeleteFunc(l.said(t, l.room), func(text string) bool { // of other checks
						return !strings.Contains(text, fmt.Sprintf("8000-%09d", check))
					}), nil
				},
			}
		}})
	})
	t.Run("a notice", func(t *testing.T) {
		l := h.line(t, "amtsbote")
		if err := l.sink(t, login).Deliver(t.Context(), delivery(1)); err != nil {
			t.Fatal(err)
		}
		want := "m.notice Amtsbote: wohnung angemeldet (meldewesen)\nEin Vorgang wartet: wohnung angemeldet (meldewesen)\n" +
			"Referenz: 7d3f0c4e-0000-4000-8000-000000000001\nhttps://amtsbote.example.org"
		if all := l.said(t, l.room); len(all) != 1 || all[0] != want {
			t.Errorf("%q\nwant %q", all, want)
		}
	})
	t.Run("a lost answer and a new login tell nothing twice", func(t *testing.T) {
		l := h.line(t, "amtsbote")
		l.losing(http.MethodPut)
		if err := l.sink(t, login).Deliver(t.Context(), delivery(1)); err == nil || hub.FaultOf(err).Permanent {
			t.Fatal(err)
		}
		if all := l.said(t, l.room); len(all) != 1 {
			t.Fatal(all)
		}
		if err := l.sink(t, login).Deliver(t.Context(), delivery(1)); err != nil { // it finds the notice in the room
			t.Fatal(err)
		}
		if all := l.said(t, l.room); len(all) != 1 || l.puts != 1 {
			t.Errorf("%q, sent %d times", all, l.puts)
		}
	})
	t.Run("a transaction id is one notice", func(t *testing.T) {
		l := h.line(t, "amtsbote")
		s := l.sink(t, login)
		l.losing(http.MethodPut)
		if err := s.Deliver(t.Context(), delivery(1)); err == nil {
			t.Fatal("the answer was lost")
		}
		l.losing(http.MethodGet) // it cannot look back, and waits
		if err := s.Deliver(t.Context(), delivery(1)); err == nil || hub.FaultOf(err).Permanent {
			t.Fatal(err)
		}
		l.losing("")
		l.blind.Store(true) // it looks back, and sees nothing
		if err := s.Deliver(t.Context(), delivery(1)); err != nil {
			t.Fatal(err)
		}
		if all := l.said(t, l.room); len(all) != 1 || l.puts != 2 {
			t.Errorf("%q, sent %d times", all, l.puts)
		}
	})
	t.Run("a token that has ended", func(t *testing.T) {
		l := h.line(t, "amtsbote")
		s := l.sink(t, login)
		if err := s.Deliver(t.Context(), delivery(1)); err != nil {
			t.Fatal(err)
		}
		h.get(t, http.MethodPost, "/_matrix/client/v3/logout", l.tokens[len(l.tokens)-1], "", struct{}{})
		if err := s.Deliver(t.Context(), delivery(2)); err != nil || len(l.said(t, l.room)) != 2 {
			t.Error(err, l.said(t, l.room))
		}
	})
	t.Run("faults of the operator", func(t *testing.T) {
		encrypted := h.line(t, "amtsbote", map[string]any{
			"type": "m.room.encryption", "state_key": "", "content": map[string]string{"algorithm": "m.megolm.v1.aes-sha2"},
		})
		l := h.line(t, "niemand")
		write(t, l.dir, "falsch", "falsch")
		for _, c := range []struct {
			line              *line
			credentials, code string
		}{
			{l, "token: falsch", "unauthorised"},
			{l, "benutzer: amtsbote, passwort: falsch", "forbidden"},
			{l, login, "forbidden"},
			{l, login + ", beitreten: false", "forbidden"},
			{encrypted, login, "room-encrypted"},
		} {
			s := c.line.sink(t, c.credentials)
			f := hub.FaultOf(s.Deliver(t.Context(), delivery(1)))
			if f == nil || f.Permanent || f.Code != c.code {
				t.Errorf("%s: %v", c.credentials, f)
			}
		}
		if all := append(encrypted.said(t, encrypted.room), l.said(t, l.room)...); len(all) != 0 {
			t.Error(all)
		}
	})
}
