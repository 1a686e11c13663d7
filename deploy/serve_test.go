package deploy_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The hub, started as compose.yml starts it, accepts the NATS server that
// nats.conf makes: it verifies the server's settings, logs in, makes its streams.
func TestHubOnNATSConf(t *testing.T) {
	key := newHubKey(t)
	setNATSEnv(t, key)
	s := startNATS(t)
	dir := t.TempDir()
	seed := filepath.Join(dir, "hub.nk")
	if err := os.WriteFile(seed, key.seed, 0o600); err != nil {
		t.Fatal(err)
	}

	args := strings.NewReplacer(
		"/etc/amtsbote", federation(t, filepath.Join(dir, "federation")),
		"/var/lib/amtsbote", filepath.Join(dir, "data"),
		"nats://nats:4222", s.ClientURL(),
		"/run/secrets/hub-nkey", seed,
		"http://nats:8222", "http://"+s.MonitorAddr().String(),
	).Replace(strings.Join(readCompose(t).Services["hub"].Command, "\n"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, hub, append([]string{"serve"}, strings.Split(args, "\n")...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	serveAndStop(t, cmd)
	if info, err := s.Jsz(nil); err != nil || info.Streams == 0 {
		t.Errorf("the hub made no stream: %v", err)
	}
}

// federation copies a story, without the simulator that has a fixed port, which another
// one on this machine may have.
func federation(t *testing.T, dir string) string {
	t.Helper()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "examples", "wohnsitzanmeldung"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "federation.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rest, _, found := bytes.Cut(raw, []byte("  # FIT-Connect"))
	if !found {
		t.Fatal("federation.yaml does not play FIT-Connect at its end")
	}
	if err := errors.Join(os.WriteFile(file, rest, 0o600), os.Remove(filepath.Join(dir, "adapters", "antragseingang.yaml"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serveAndStop starts the hub, waits until it says that it serves, and stops it.
func serveAndStop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serves := false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if !serves && strings.HasPrefix(lines.Text(), "Amtsbote serves") {
			serves = true
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || !serves {
		t.Errorf("served %v, %v\n%s", serves, err, stderr.Bytes())
	}
}
