package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestReplay: two people who log in at an issuer have a receiver's events brought again,
// in two browsers (replay.mjs).
func TestReplay(t *testing.T) {
	if raceBuild {
		t.Skip("the hub and the browser are processes of their own, which the race detector does not see; they run without it")
	}
	browser, at := chromium(t), freeAddress(t)
	login := newIssuer(t, "http://"+at+"/login/callback", map[string]string{"anna": "senke", "berta": "verbund"})
	h := serve(t, kept(t), "--http", "127.0.0.1:0", "--console", at, "--console-url", "http://"+at,
		"--console-oidc-issuer", login.url, "--console-oidc-client", client)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	flow := h.flow(t, 0)
	for flow.sent.Load() == 0 {
		if err := flow.batch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	h.until(t, "explain", "fluss-"+strconv.Itoa(perBatch-1), "routed to 1")
	walk := exec.Command("node", "replay.mjs")
	walk.Dir = h.node
	walk.Env = append(os.Environ(), "CHROMIUM="+browser, "CONSOLE="+h.console, "ISSUER="+login.url, "EVENTS="+strconv.Itoa(perBatch), "SHOTS="+os.Getenv("AMTSBOTE_SHOTS"))
	walk.Stdout, walk.Stderr = t.Output(), t.Output()
	if err := walk.Run(); err != nil {
		t.Error(err)
	}
}

// kept is testdata/fluss with events that are kept for a day, so that there is something
// to bring again, and with people who may log in.
func kept(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "fluss")
	err := os.CopyFS(dir, os.DirFS("testdata/fluss"))
	for file, change := range map[string]func([]byte) []byte{
		"schemas/de.fluss.ding.v1/schema.json": func(raw []byte) []byte { return bytes.Replace(raw, []byte("P0D"), []byte("P1D"), 1) },
		"federation.yaml":                      func(raw []byte) []byte { return append(raw, grants...) },
	} {
		raw, errRead := os.ReadFile(filepath.Join(dir, file))
		err = errors.Join(err, errRead, os.WriteFile(filepath.Join(dir, file), change(raw), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const grants = `console:
  - {role: steward, organisation: senke, sight: metadata, oidc: {groups: senke}}
  - {role: federation, oidc: {groups: verbund}}
`

// freeAddress was free on loopback a moment ago: the console must know its own address
// before it listens, when people log in.
func freeAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return strings.TrimPrefix(s.URL, "http://")
}
