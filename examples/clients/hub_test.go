package clients_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long one process may take: a machine may be busy.
const patience = time.Minute

// hub is the product as a process.
type hub struct {
	dir        string // of the clients, with their Go binaries
	data       string
	http, nats string
	token      map[string]string // by application
	creds      map[string]string // file, by application
}

var (
	natsLine = regexp.MustCompile(`NATS +(\S+)`)
	httpLine = regexp.MustCompile(`HTTP +(\S+)`)
)

// serve starts the hub, and has it issue each application what it needs.
func serve(t *testing.T, dir string) *hub {
	t.Helper()
	h := &hub{dir: dir, data: filepath.Join(dir, "data"), token: map[string]string{}, creds: map[string]string{}}
	if out, err := h.amtsbote("check", "verbund"); err != nil || !strings.Contains(out, "0 errors, 0 warnings") {
		t.Fatalf("check: %v\n%s", err, out)
	}
	cmd := exec.Command(filepath.Join(dir, "bin", "amtsbote"), "serve", "verbund", "--data", h.data,
		"--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
	// the data directory lies below the temporary directory only in tests
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(dir, "tmp"))
	h.introduced(t, cmd)
	for _, app := range []string{sender, overNATS, overHTTP} {
		h.issue(t, app)
	}
	return h
}

// introduced starts the hub and reads where it is reached from what it prints.
func (h *hub) introduced(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var printed strings.Builder
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the hub: %v", err)
		}
		if t.Failed() {
			t.Logf("the hub's log:\n%s", log.Bytes())
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "One line an outcome") {
		fmt.Fprintln(&printed, lines.Text())
	}
	n, w := natsLine.FindStringSubmatch(printed.String()), httpLine.FindStringSubmatch(printed.String())
	if n == nil || w == nil {
		t.Fatalf("the hub does not say where it listens: %s", printed.String())
	}
	h.nats, h.http = n[1], w[1]
}

// issue has the hub issue what an application connects with.
func (h *hub) issue(t *testing.T, app string) {
	t.Helper()
	h.creds[app] = filepath.Join(h.dir, app+".creds")
	if out, err := h.amtsbote("credentials", "issue", app, "--data", h.data, "--out", h.creds[app]); err != nil {
		t.Fatal(err, out)
	}
	cmd := exec.Command(filepath.Join(h.dir, "bin", "amtsbote"), "token", "issue", app, "--data", h.data)
	secret, err := cmd.Output() // what it says of it goes to standard error
	if err != nil {
		t.Fatal(err)
	}
	h.token[app] = strings.TrimSpace(string(secret))
}

// done waits until the trail says that both receivers have taken the event.
func (h *hub) done(t *testing.T, id string) {
	t.Helper()
	for deadline := time.Now().Add(patience / 2); ; <-time.After(50 * time.Millisecond) {
		out, err := h.amtsbote("explain", id, "--data", h.data, "--lang", "en")
		if err == nil && strings.Count(out, "state        done") == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the trail does not say that both have taken it: %v\n%s", err, out)
		}
	}
}

// amtsbote runs a command of the product.
func (h *hub) amtsbote(args ...string) (string, error) {
	return output(exec.Command(filepath.Join(h.dir, "bin", "amtsbote"), args...))
}

// run starts a client for an application.
func (h *hub) run(c client, app string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := slices.Concat(c.start, args)
	if built := filepath.Join(h.dir, "bin", start[0]); exists(built) {
		start[0] = built
	}
	cmd := exec.CommandContext(ctx, start[0], start[1:]...)
	cmd.Dir = h.dir
	cmd.WaitDelay = time.Second // of a shell's children
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(h.dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"AMTSBOTE_URL="+h.http, "AMTSBOTE_TOKEN="+h.token[app], "AMTSBOTE_APP="+app,
		"AMTSBOTE_NATS="+h.nats, "AMTSBOTE_CREDS="+h.creds[app])
	return output(cmd)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// output is what a command prints; its error holds it too.
func output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return string(out), err
}
