package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestSubmit: a citizen hands an application with an attachment in at the simulator by
// command; what is no application is refused with a reason.
func TestSubmit(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const destination = "d12caea8-f372-4eb1-b102-b0a228253a11"
	settings := write("settings.yaml", fmt.Sprintf(`listen: %s
dir: sim
bits: 2048
clients: {amtsbote: {secret: geheim, zustellpunkte: [%[2]s]}}
zustellpunkte:
  %[2]s: {schluessel: fit/2026.jwk, signaturschluessel: fit/signatur.jwk, leistungen: ["99107001017000"], region: DE02}
`, addr, destination))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- commandIn(ctx, nil, "simulate", "dataport", "--dir", dir, "--settings", settings) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	url := "http://" + addr
	for deadline := time.Now().Add(2 * time.Minute); ; <-time.After(50 * time.Millisecond) {
		resp, err := http.Get(url + "/sim/stand")
		if err == nil {
			_ = resp.Body.Close()
			break
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatal("the simulator has ended")
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	application := write("antrag.json", `{"zustellpunkt": "`+destination+`", "leistung": "99107001017000", "schema": "https://schema.example.org/hund_1.0.schema.json", "daten": {"name": "Rex"}}`)
	photo := write("foto.png", "\x89PNG\r\n\x1a\nein Hund")
	var out bytes.Buffer
	if err := commandIn(ctx, &out, "simulate", "dataport", "--submit", application, "--attach", photo, "--at", url); err != nil {
		t.Fatal(err)
	}
	ids := regexp.MustCompile(`^submission ([0-9a-f-]{36})\ncase       ([0-9a-f-]{36})\n$`).FindStringSubmatch(out.String())
	if ids == nil {
		t.Fatalf("it says %q", out.String())
	}
	resp, err := http.Get(url + "/sim/stand")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var state bytes.Buffer
	if _, err := state.ReadFrom(resp.Body); err != nil || !strings.Contains(state.String(), ids[1]) || !strings.Contains(state.String(), "submit-submission") {
		t.Errorf("the simulator does not know it: %s, %v", state.Bytes(), err)
	}
	for want, args := range map[string][]string{
		"not taken":         {"dataport", "--submit", write("leer.json", `{}`), "--at", url},
		"is no application": {"dataport", "--submit", photo, "--at", url},
		"for the simulator": {"okewo", "--submit", application},
		"--settings is":     {"dataport"},
	} {
		if err := commandIn(ctx, nil, append([]string{"simulate"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

// commandIn runs a command of amtsbote in this process.
func commandIn(ctx context.Context, out *bytes.Buffer, args ...string) error {
	root := newRootCommand()
	if out == nil {
		out = &bytes.Buffer{}
	}
	root.SetOut(out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}
