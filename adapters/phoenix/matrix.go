package phoenix

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// matrix speaks the Matrix Client-Server API (v3).
type matrix struct {
	set    matrixSettings
	device string
	http   *http.Client

	mu     sync.Mutex
	token  string        // of the last login; "" is none
	logins chan struct{} // one logs in at a time
}

var (
	_ channel = (*matrix)(nil)
	_ finder  = (*matrix)(nil)
)

// marker is the key in a notice's content by which it is found again.
const marker = "de.amtsbote.hinweis"

func (m *matrix) targets() []string { return m.set.Raeume }

// send puts a notice into a room. The transaction id is made of the notice's id, so
// that the server takes a repetition for what it is ("Transaction identifiers").
func (m *matrix) send(ctx context.Context, room string, n message) error {
	if err := m.enter(ctx, room); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"msgtype": m.set.Art, "body": noticeText(n), marker: n.ID})
	if err != nil {
		return hub.Permanent("unmappable", "write the notice: %w", err)
	}
	a, err := m.ask(ctx, request{method: http.MethodPut, url: m.at("rooms", room, "send", "m.room.message", "amtsbote-"+n.ID), body: body})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return a.refusedOf("send a notice to the room", a.errcode() != "")
	}
	var sent struct {
		EventID string `json:"event_id"`
	}
	if json.Unmarshal(a.body, &sent) != nil || !strings.HasPrefix(sent.EventID, "$") {
		return hub.Retryable("answer-unreadable", "send a notice to the room: the answer names no event_id")
	}
	return nil
}

func noticeText(n message) string { return n.Subject + "\n" + n.Text }

// join takes an invitation, or enters a public room.
func (m *matrix) join(ctx context.Context, room string) error {
	a, err := m.ask(ctx, request{method: http.MethodPost, url: m.at("rooms", room, "join"), body: []byte("{}")})
	if err == nil && a.status != http.StatusOK {
		return a.refused("enter the room: the bot must be invited, and may write")
	}
	return err
}

// enter takes care that the bot is in the room, and refuses a room that is encrypted:
// a notice could be read there only by who takes plain text for encrypted. It looks each
// time, since a room can become encrypted.
func (m *matrix) enter(ctx context.Context, room string) error {
	look := request{method: http.MethodGet, url: m.at("rooms", room, "state", "m.room.encryption", "")}
	a, err := m.ask(ctx, look)
	outside := err == nil && (a.status == http.StatusForbidden || a.status == http.StatusOK && !a.encrypted())
	if outside && m.set.Beitreten {
		if err = m.join(ctx, room); err == nil {
			a, err = m.ask(ctx, look)
		}
	}
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK && a.encrypted():
		return hub.Retryable("room-encrypted", "the room is encrypted: notices need a room of their own without encryption")
	case a.status != http.StatusNotFound || a.errcode() != "M_NOT_FOUND":
		return a.refused("look whether the room is encrypted: the bot must be in the room")
	}
	return nil
}

// encrypted tells an answer with the content of m.room.encryption from another: to who
// is only invited, Dendrite gives the content of another state.
func (a *answer) encrypted() bool {
	var content struct {
		Algorithm string `json:"algorithm"`
	}
	return json.Unmarshal(a.body, &content) == nil && content.Algorithm != ""
}

// ask calls with the token that there is, and once more with a new one when the
// server does not know it any more.
func (m *matrix) ask(ctx context.Context, r request) (*answer, error) {
	token, err := m.bearer(ctx, "")
	if err != nil {
		return nil, err
	}
	a, err := m.with(ctx, r, token)
	if err != nil || a.status != http.StatusUnauthorized {
		return a, err
	}
	if token, err = m.bearer(ctx, token); err != nil {
		return nil, err
	}
	return m.with(ctx, r, token)
}

func (m *matrix) with(ctx context.Context, r request, token string) (*answer, error) {
	r.header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
	return call(ctx, m.http, r)
}

// bearer gives a token other than the one that is stale. A token of a file is read
// anew each time.
func (m *matrix) bearer(ctx context.Context, stale string) (string, error) {
	if m.set.Token != "" {
		token, err := secret(m.set.Token)
		if err != nil {
			return "", hub.Retryable("unauthorised", "access token: %w", err)
		}
		return token, nil
	}
	select {
	case m.logins <- struct{}{}:
		defer func() { <-m.logins }()
	case <-ctx.Done():
		return "", hub.Retryable("interrupted", "log in: %w", ctx.Err())
	}
	m.mu.Lock()
	token := m.token
	m.mu.Unlock()
	if token != "" && token != stale {
		return token, nil
	}
	return m.login(ctx)
}

// login gets a token for the bot's password. The device is always the same, so that
// no devices pile up, and transaction ids, which belong to a device, stay good.
func (m *matrix) login(ctx context.Context) (string, error) {
	password, err := secret(m.set.Passwort)
	if err != nil {
		return "", hub.Retryable("unauthorised", "password of the bot: %w", err)
	}
	body, err := json.Marshal(map[string]any{
		"type": "m.login.password", "identifier": map[string]string{"type": "m.id.user", "user": m.set.Benutzer}, "password": password,
		"device_id": m.device, "initial_device_display_name": "Amtsbote",
	})
	if err != nil {
		return "", hub.Permanent("unmappable", "write the login: %w", err)
	}
	a, err := call(ctx, m.http, request{
		method: http.MethodPost, url: m.at("login"), body: body, header: http.Header{"Content-Type": {"application/json"}},
	})
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", a.refused("log in as the bot")
	}
	var in struct {
		Token string `json:"access_token"`
	}
	if json.Unmarshal(a.body, &in) != nil || !goodToken(in.Token) {
		return "", hub.Retryable("answer-unreadable", "log in as the bot: the answer has no access_token")
	}
	m.mu.Lock()
	m.token = in.Token
	m.mu.Unlock()
	return in.Token, nil
}

// goodToken can stand in a header.
func goodToken(token string) bool {
	return token != "" && len(token) <= maxSecret && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (m *matrix) at(path ...string) string {
	for i, p := range path {
		path[i] = url.PathEscape(p)
	}
	return strings.TrimRight(m.set.URL, "/") + "/_matrix/client/v3/" + strings.Join(path, "/")
}

func (a *answer) errcode() string {
	var said struct {
		Code string `json:"errcode"`
	}
	if json.Unmarshal(a.body, &said) != nil {
		return ""
	}
	return said.Code
}

// matrixAfter reads retry_after_ms of an M_LIMIT_EXCEEDED.
func (a *answer) matrixAfter() time.Duration {
	var said struct {
		After float64 `json:"retry_after_ms"`
	}
	if json.Unmarshal(a.body, &said) != nil || said.After <= 0 {
		return 0
	}
	return time.Duration(min(said.After, float64(maxAfter/time.Millisecond))) * time.Millisecond
}

func newMatrix(set matrixSettings, client *http.Client, adapter string) *matrix {
	return &matrix{
		set: set, device: "AMTSBOTE-" + digest(adapter, set.URL, set.Benutzer)[:12], http: client,
		logins: make(chan struct{}, 1),
	}
}
