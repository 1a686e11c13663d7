package phoenix

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/amtsbote/amtsbote/hub"
)

// lookBack is how many of a room's last messages are looked through.
const lookBack = 50

// find looks for a notice whose sending ended without an answer: a server forgets
// transaction ids, at the latest with the login that they belong to. While the server
// cannot say what stands in the room, the notice waits.
func (m *matrix) find(ctx context.Context, room string, n message) (bool, error) {
	query := url.Values{"dir": {"b"}, "limit": {fmt.Sprint(lookBack)}, "filter": {`{"types":["m.room.message"]}`}}
	a, err := m.ask(ctx, request{method: http.MethodGet, url: m.at("rooms", room, "messages") + "?" + query.Encode()})
	if f := hub.FaultOf(err); f != nil && f.Code == tooLarge {
		return false, nil // others have written much; the transaction id is left
	}
	switch {
	case err != nil:
		return false, err
	case a.status == http.StatusForbidden || a.status == http.StatusNotFound:
		return false, nil // it does not let us look; sending tells why
	case a.status != http.StatusOK:
		return false, a.refused("look for a notice in the room")
	}
	senders, err := a.senders(n.ID)
	if err != nil || len(senders) == 0 {
		return false, err
	}
	self, err := m.whoami(ctx)
	return err == nil && senders[self], err
}

// senders gives who has put a notice with this id into the room. Events that are no
// such are foreign, whatever their form.
func (a *answer) senders(id string) (map[string]bool, error) {
	var page struct {
		Chunk *[]json.RawMessage `json:"chunk"`
	}
	if json.Unmarshal(a.body, &page) != nil || page.Chunk == nil {
		return nil, hub.Retryable("answer-unreadable", "look for a notice in the room: the answer has no list of events")
	}
	found := map[string]bool{}
	for _, raw := range *page.Chunk {
		var e struct {
			Sender  string                     `json:"sender"`
			Content map[string]json.RawMessage `json:"content"`
		}
		var mark string
		if json.Unmarshal(raw, &e) == nil && json.Unmarshal(e.Content[marker], &mark) == nil && mark == id {
			found[e.Sender] = true
		}
	}
	return found, nil
}

// whoami asks for the bot's own user id.
func (m *matrix) whoami(ctx context.Context) (string, error) {
	a, err := m.ask(ctx, request{method: http.MethodGet, url: m.at("account", "whoami")})
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", a.refused("ask who the bot is")
	}
	var said struct {
		User string `json:"user_id"`
	}
	if json.Unmarshal(a.body, &said) != nil || said.User == "" {
		return "", hub.Retryable("answer-unreadable", "ask who the bot is: the answer names no user_id")
	}
	return said.User, nil
}
