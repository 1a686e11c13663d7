package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// conformanceClient builds the client of the CloudEvents conformance suite.
func conformanceClient(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "cloudevents")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "github.com/cloudevents/conformance/cmd/cloudevents")
	cmd.Dir = filepath.Join("..", "..", "..", "tools")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the conformance client: %v\n%s", err, out)
	}
	return bin
}

// listen runs the client's listener behind a server that consents in its stead; what
// it took stands in the buffer.
func listen(t *testing.T, client string) (at string, took *lockedBuffer) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := free.Addr().String()
	must(t, free.Close())
	_, port, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, client, "listen", "-P", port)
	took = &lockedBuffer{}
	cmd.Stdout = took
	must(t, cmd.Start())
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	var one sync.Mutex // what it prints of two requests at a time gets mixed
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	shim := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			w.Header().Set("WebHook-Allowed-Origin", "*")
			return
		}
		one.Lock()
		defer one.Unlock()
		to.ServeHTTP(w, r) // 502 until it listens: the hub tries again
	}))
	t.Cleanup(shim.Close)
	return shim.URL, took
}

// TestConformance: the conformance client invokes the hub and listens as its
// webhook; what comes out is what went in.
func TestConformance(t *testing.T) {
	client := conformanceClient(t)
	for _, format := range []string{"binary", "structured"} {
		t.Run(format, func(t *testing.T) {
			at, took := listen(t, client)
			dir, w := t.TempDir(), newWatch()
			webhookFederation(t, dir, map[string]string{"hook": at}, ", format: "+format)
			k := startHTTP(t, app.Config{Directory: dir, Observer: w}, "alpha.app")
			const events = 12
			want := filepath.Join(t.TempDir(), "want.yaml")
			must(t, os.WriteFile(want, []byte(conformanceEvents(format, k.token, events)), 0o600))
			run := func(args ...string) string {
				out, err := exec.CommandContext(t.Context(), client, args...).CombinedOutput()
				if err != nil {
					t.Errorf("cloudevents %s: %v\n%s", args[0], err, out)
				}
				return string(out)
			}
			run("invoke", k.app.HTTPURL()+"/events", "-f", want)
			w.expect(t, events, events)
			got := filepath.Join(t.TempDir(), "got.yaml")
			must(t, os.WriteFile(got, []byte(took.String()), 0o600))
			if n := strings.Count(took.String(), "---\n"); n != events {
				t.Errorf("the listener took %d events", n)
			}
			if out := strings.TrimSpace(run("diff", want, got, "--match", "id", "--ignore-additions")); out != "" {
				t.Errorf("what went in and what came out differ:\n%s", out)
			}
		})
	}
}

// conformanceEvents are events in the client's own form.
func conformanceEvents(mode, token string, n int) string {
	var all []string
	for i := range n {
		e := fmt.Sprintf(`Mode: %s
ContextAttributes:
  specversion: "1.0"
  type: %s
  id: conformance-%04d
  source: %s
  time: "2026-06-01T12:00:%02dZ"
  subject: "fall-%d"
  datacontenttype: application/json
`, mode, hubtest.Ding, i, hubtest.Source, i, i%3)
		if mode == "structured" {
			e += fmt.Sprintf("  Extensions:\n    correlationid: vorgang-%d\n", i%4)
		}
		all = append(all, e+fmt.Sprintf("TransportExtensions:\n  Authorization: Bearer %s\nData: |\n  {\"n\":%d,\"text\":\"Straße, Ämter, 🌍\"}\n", token, i))
	}
	return strings.Join(all, "---\n")
}
