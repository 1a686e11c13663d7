package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

// asker asks a running hub by HTTP, in the raw: no client of net/http stands between
// a test and what it wants to send.
type asker struct {
	app   *app.App
	b     *bus.Bus
	host  string
	token string
}

// startHTTP starts the hub on a federation directory with its HTTP door; every answer
// must stand in its OpenAPI document.
func startHTTP(t *testing.T, cfg app.Config, application string) *asker {
	t.Helper()
	if cfg.HTTP == nil {
		cfg.HTTP = &app.HTTP{}
	}
	cfg.HTTP.Listen, cfg.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.HTTP.Undescribed = func(operation string, status int) {
		t.Errorf("%s answers %d, which is not described", operation, status)
	}
	if cfg.Data == "" {
		cfg.Data = filepath.Join(t.TempDir(), "data")
	}
	a := startApp(t, cfg)
	t.Cleanup(func() { stopApp(t, a) })
	u, err := url.Parse(a.HTTPURL())
	must(t, err)
	b, _ := local(t, a)
	return &asker{a, b, u.Host, issue(t, a, application)}
}

// issue has the running hub issue a token.
func issue(t *testing.T, a *app.App, application string) string {
	t.Helper()
	var got app.TokenAnswer
	must(t, app.Ask(t.Context(), a.Data(), nil, app.VerbToken, app.TokenRequest{Do: app.TokenIssue, Application: application, Lifetime: token.DefaultLifetime, Who: "test"}, &got))
	return got.Secret
}

// answered is an answer, its body as JSON if it is some.
type answered struct {
	status int
	header http.Header
	body   map[string]any
	raw    []byte
}

func (a *answered) text(member string) string {
	s, _ := a.body[member].(string)
	return s
}

// head begins a request; header lines are given as name, value, ….
func (k *asker) head(method, path string, headers ...string) string {
	var s strings.Builder
	s.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + k.host + "\r\nConnection: close\r\n")
	if k.token != "" {
		s.WriteString("Authorization: Bearer " + k.token + "\r\n")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		s.WriteString(headers[i] + ": " + headers[i+1] + "\r\n")
	}
	return s.String()
}

// ask sends a request with a body.
func (k *asker) ask(t *testing.T, method, path string, body []byte, headers ...string) *answered {
	t.Helper()
	return k.send(t, append([]byte(k.head(method, path, headers...)+"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...))
}

// event hands in a structured event.
func (k *asker) event(t *testing.T, body string, headers ...string) *answered {
	t.Helper()
	return k.ask(t, http.MethodPost, "/events", []byte(body), append([]string{"Content-Type", "application/cloudevents+json"}, headers...)...)
}

// send writes to a new connection and reads the answer.
func (k *asker) send(t *testing.T, raw []byte) *answered {
	t.Helper()
	nc, err := net.Dial("tcp", k.host)
	must(t, err)
	defer func() { _ = nc.Close() }()
	must(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	go func() { _, _ = nc.Write(raw) }() // the server may answer before all is read
	return read(t, nc)
}

func read(t *testing.T, r io.Reader) *answered {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(r), nil)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	out := &answered{status: resp.StatusCode, header: resp.Header, raw: body}
	if len(body) > 0 && bytes.HasPrefix(body, []byte("{")) {
		must(t, json.Unmarshal(body, &out.body))
	}
	return out
}

// stored is the last sequence of an edge stream.
func (k *asker) stored(t *testing.T, organisation string) uint64 {
	t.Helper()
	n, err := k.b.LastSeq(t.Context(), bus.EdgeStream(organisation))
	must(t, err)
	return n
}
