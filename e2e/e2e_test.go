// Package e2e_test walks through the steward's console with a real browser, as people
// do: the hub is a process of its own that runs the story Wohnsitzanmeldung, the browser
// is the system's Chromium (walk.mjs).
package e2e_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// patience is how long one process may take: a machine may be busy.
const patience = 2 * time.Minute

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AMTSBOTE_INTEROP") == "must" || os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, command := range []string{"node", "npm"} {
		if _, err := exec.LookPath(command); err != nil {
			missing(t, "the browser did not run: there is no command "+command)
		}
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "the browser did not run: there is no chromium")
	return ""
}

// TestConsole walks through every page. AMTSBOTE_SHOTS=folder keeps pictures of them,
// AMTSBOTE_WALKS="look keyboard firstday live scriptless acts clear" chooses among the walks.
func TestConsole(t *testing.T) {
	if raceBuild {
		t.Skip("the hub and the browser are processes of their own, which the race detector does not see; they run without it")
	}
	t.Parallel() // with TestPeople: each waits a lot
	browser := chromium(t)
	h := serve(t, wohnsitzanmeldung)
	h.seed(t)
	env := []string{
		"LINKS=" + h.links(t, 9), "DONE=" + doneCase, "CASE=" + doneCase, "LATER=" + h.later(t),
		"MORE=" + filepath.Join(h.story, "faelle", "beispiel-1704.xml"), "INTO=" + filepath.Join(h.data, "drop", "onlinedienst", "in", "live.xml"),
		"BINARY=" + h.binary, "DATA=" + h.data, "WITHHELD=" + h.withheld(), "AGREEMENT=" + h.agreement(),
	}
	names := os.Getenv("AMTSBOTE_WALKS")
	if names == "" {
		names = "look keyboard firstday live scriptless acts clear"
	}
	h.walk(t, browser, "walk.mjs", names, env...)
}

// hub is the product as a process.
type hub struct {
	*kit
	story, data         string
	console, link, http string
	pid                 int
}

var httpLine = regexp.MustCompile(`HTTP +(http://[^/ ]+)`)

var consoleLine = regexp.MustCompile(`console +((http://[^/ ]+)\S*)`)

const wohnsitzanmeldung = "../examples/wohnsitzanmeldung"

// serve starts the hub on a copy of a federation directory.
func serve(t *testing.T, federation string, more ...string) *hub {
	t.Helper()
	dir := t.TempDir()
	h := &hub{kit: ready(t), story: filepath.Join(dir, "story"), data: filepath.Join(dir, "data")}
	tmp := filepath.Join(dir, "tmp")
	if err := errors.Join(os.CopyFS(h.story, os.DirFS(federation)), os.Mkdir(tmp, 0o700)); err != nil {
		t.Fatal(err)
	}
	if federation == wohnsitzanmeldung {
		h.withoutFITConnect(t)
		h.withdraw(t)
		h.withhold(t)
	}
	cmd := exec.Command(h.binary, append([]string{"serve", h.story, "--data", h.data, "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"}, more...)...)
	// the data directory lies below the temporary directory only in tests
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	h.introduced(t, cmd)
	return h
}

// withoutFITConnect leaves the folder as the only way in: it needs no fixed port, and
// what comes when is for the walks to say.
func (h *hub) withoutFITConnect(t *testing.T) {
	t.Helper()
	file := filepath.Join(h.story, "federation.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rest, _, found := bytes.Cut(raw, []byte("  # FIT-Connect"))
	if !found {
		t.Fatal("federation.yaml does not play FIT-Connect at its end")
	}
	if err := errors.Join(os.WriteFile(file, rest, 0o600), os.Remove(filepath.Join(h.story, "adapters", "antragseingang.yaml"))); err != nil {
		t.Fatal(err)
	}
}

// withdraw has the agreement with the vehicle registration end in summer: why it hears
// nothing since then is what somebody asks on a first day.
func (h *hub) withdraw(t *testing.T) {
	t.Helper()
	file := filepath.Join(h.story, "agreements", "anmeldung", "kfz-umzug.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(raw), "approved:")
	text = strings.Replace(text, "until: 2027-12-31", "until: 2026-06-30", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob(filepath.Join(h.story, "agreements", "anmeldung", "*.example.yaml")) // they expect it
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range examples {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// agreement is where the one stands by which the vehicle registration of Hamburg hears of
// people who leave, withheld where it lies until it comes in force.
func (h *hub) agreement() string {
	return filepath.Join(h.story, "agreements", "umzug", "wegzug-kfz.yaml")
}

func (h *hub) withheld() string { return filepath.Join(filepath.Dir(h.story), "withheld.yaml") }

// withhold leaves that agreement out, so that there is something to mend.
func (h *hub) withhold(t *testing.T) {
	t.Helper()
	example := filepath.Join(filepath.Dir(h.agreement()), "wegzug.example.yaml") // it expects it
	if err := errors.Join(os.Rename(h.agreement(), h.withheld()), os.Remove(example)); err != nil {
		t.Fatal(err)
	}
}

// introduced starts the hub and reads where the console is from what it prints.
func (h *hub) introduced(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.pid = cmd.Process.Pid
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "One line an outcome") {
		if m := httpLine.FindStringSubmatch(lines.Text()); m != nil {
			h.http = m[1]
		}
		if m := consoleLine.FindStringSubmatch(lines.Text()); m != nil {
			h.link, h.console = m[1], m[2]
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, out)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-done
		if err := cmd.Wait(); err != nil {
			t.Errorf("the hub: %v", err)
		}
		if t.Failed() {
			t.Logf("the hub's log:\n%s", log.Bytes())
		}
	})
	if h.console == "" {
		t.Fatal("the hub does not say where the console is")
	}
}

// links are what lets somebody in, once each.
func (h *hub) links(t *testing.T, n int) string {
	t.Helper()
	all := []string{h.link}
	for range n {
		out, err := exec.Command(h.binary, "console", "--data", h.data).Output()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(string(out)))
	}
	return strings.Join(all, " ")
}
