package phoenix_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// homeserver is a Matrix server that others wrote: Dendrite.
type homeserver struct {
	url    string
	clerk  string // token of a person
	secret string // for registration
}

const dendriteConf = `version: 2
global:
  server_name: localhost
  private_key: %[1]s/key.pem
  disable_federation: true
  cache: {max_size_estimated: 16mb}
  jetstream: {storage_path: %[1]s, in_memory: true}
client_api:
  registration_shared_secret: %[2]s
  rate_limiting: {enabled: false}
media_api: {base_path: %[1]s/media, database: {connection_string: "file:%[1]s/media.db"}}
user_api: {bcrypt_cost: 4, account_database: {connection_string: "file:%[1]s/account.db"}}
room_server: {database: {connection_string: "file:%[1]s/room.db"}}
key_server: {database: {connection_string: "file:%[1]s/keyserver.db"}}
federation_api: {database: {connection_string: "file:%[1]s/federation.db"}}
mscs: {database: {connection_string: "file:%[1]s/mscs.db"}}
relay_api: {database: {connection_string: "file:%[1]s/relay.db"}}
sync_api: {database: {connection_string: "file:%[1]s/sync.db"}}
logging: [{type: std, level: warn}]
`

// dendriteBinary is where tools/prepare.sh keeps it.
func dendriteBinary(t *testing.T) string {
	t.Helper()
	pins, err := os.ReadFile(filepath.Join("..", "..", "tools", "dendrite", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`matrix-org/dendrite (v\S+)`).FindSubmatch(pins)
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil || version == nil {
		t.Fatalf("find Go's build cache, or the version of Dendrite: %v", err)
	}
	path := filepath.Join(strings.TrimSpace(string(cache)), "amtsbote", "dendrite-"+string(version[1]))
	if _, err := os.Stat(path); err != nil {
		interop.Missing(t, "Dendrite (tools/prepare.sh builds it)")
	}
	return path
}

// startDendrite starts one until the test ends.
func startDendrite(t *testing.T) *homeserver {
	t.Helper()
	binary, dir := dendriteBinary(t), inMemory(t)
	h := &homeserver{secret: rand.Text()}
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails
	key := pem.EncodeToMemory(&pem.Block{Type: "MATRIX PRIVATE KEY", Headers: map[string]string{"Key-ID": "ed25519:test"}, Bytes: seed})
	write(t, dir, "key.pem", string(key))
	write(t, dir, "dendrite.yaml", fmt.Sprintf(dendriteConf, dir, h.secret))
	address, free := freePort(t), freePort(t)
	h.url = "http://" + address
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "--config", filepath.Join(dir, "dendrite.yaml"),
		"--http-bind-address", address, "--https-bind-address", free)
	server.Dir, server.Stdout, server.Stderr = dir, log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
		_ = log.Close()
	})
	ready(t, h.url+"/_matrix/client/versions", ended, log.Name())
	h.register(t, "sachbearbeitung")
	h.clerk = h.login(t, "sachbearbeitung")
	return h
}

// inMemory is a directory in memory, if the machine has one: nobody asks Dendrite to
// keep anything.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "dendrite")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// call calls the server as who has the token, and gives its answer.
func (h *homeserver) call(t testing.TB, method, path, token string, body any) (int, []byte) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, said
}

// get is a call that must succeed; one member of its answer comes back.
func (h *homeserver) get(t testing.TB, method, path, token, member string, body any) string {
	t.Helper()
	status, said := h.call(t, method, path, token, body)
	var all map[string]any
	if status != http.StatusOK || json.Unmarshal(said, &all) != nil {
		t.Fatalf("%s %s: %d %s", method, path, status, said)
	}
	text, _ := all[member].(string)
	return text
}

func (h *homeserver) register(t testing.TB, user string) {
	t.Helper()
	const path = "/_synapse/admin/v1/register"
	nonce := h.get(t, http.MethodGet, path, "", "nonce", nil)
	mac := hmac.New(sha1.New, []byte(h.secret))
	mac.Write([]byte(nonce + "\x00" + user + "\x00" + password + "\x00notadmin"))
	h.get(t, http.MethodPost, path, "", "user_id", map[string]any{
		"nonce": nonce, "username": user, "password": password, "admin": false, "mac": hex.EncodeToString(mac.Sum(nil)),
	})
}

func (h *homeserver) login(t testing.TB, user string) string {
	t.Helper()
	return h.get(t, http.MethodPost, "/_matrix/client/v3/login", "", "access_token", map[string]any{
		"type": "m.login.password", "identifier": map[string]string{"type": "m.id.user", "user": user}, "password": password,
	})
}

// room is a new one of the clerk's, to which bot is invited.
func (h *homeserver) room(t testing.TB, bot string, state ...any) string {
	t.Helper()
	return h.get(t, http.MethodPost, "/_matrix/client/v3/createRoom", h.clerk, "room_id", map[string]any{
		"preset": "private_chat", "invite": []string{"@" + bot + ":localhost"}, "initial_state": append([]any{}, state...),
	})
}

type roomEvent struct {
	ID      string `json:"event_id"`
	Type    string `json:"type"`
	Content struct {
		Msgtype string `json:"msgtype"`
		Body    string `json:"body"`
	} `json:"content"`
}

// said gives the last messages in a room (of 100 events) as the clerk sees them. What was sent is seen a
// little later, in order: so she says something herself, and waits for that.
func (h *homeserver) said(t testing.TB, room string) (all []string) {
	t.Helper()
	base := "/_matrix/client/v3/rooms/" + url.PathEscape(room)
	mine := h.get(t, http.MethodPut, base+"/send/test.now/"+rand.Text(), h.clerk, "event_id", struct{}{})
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		events := h.messages(t, base)
		if slices.ContainsFunc(events, func(e roomEvent) bool { return e.ID == mine }) {
			for _, e := range events {
				if e.Type == "m.room.message" {
					all = append(all, e.Content.Msgtype+" "+e.Content.Body)
				}
			}
			return all
		}
		select {
		case <-late.C:
			t.Fatal("the room does not show what was said")
		case <-tick.C:
		}
	}
}

func (h *homeserver) messages(t testing.TB, base string) []roomEvent {
	t.Helper()
	status, raw := h.call(t, http.MethodGet, base+"/messages?dir=b&limit=100", h.clerk, nil)
	var page struct {
		Chunk []roomEvent `json:"chunk"`
	}
	if status != http.StatusOK || json.Unmarshal(raw, &page) != nil {
		t.Fatalf("%d %s", status, raw)
	}
	return page.Chunk
}
