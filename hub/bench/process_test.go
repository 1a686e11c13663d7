package bench

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// process is a system at work beside the tests.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	log   string // file with what it printed
	ended chan struct{}
}

// start starts a program; it ends with the test at the latest.
func start(t *testing.T, log string, env []string, name string, args ...string) *process {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	p := &process{t: t, log: log, ended: make(chan struct{})}
	p.cmd = exec.Command(name, args...)
	// a data directory must not lie below the temporary one
	p.cmd.Env = append(append(os.Environ(), "TMPDIR="+filepath.Join(filepath.Dir(log), "tmp")), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(p.stop)
	return p
}

// again starts this binary in another role.
func again(t *testing.T, log, as string, env ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, log, append(env, role+"="+as), self)
}

// stop ends the process in peace, or else by force.
func (p *process) stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// says waits until the process has printed a line that contains mark, and gives
// that line.
func (p *process) says(mark string) string {
	p.t.Helper()
	deadline := time.Now().Add(10 * time.Minute)
	for {
		text, _ := os.ReadFile(p.log)
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, mark) && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(line)
			}
		}
		select {
		case <-p.ended:
			p.t.Fatalf("it ended before it said %q:\n%s", mark, text)
		case <-time.After(2 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("it did not say %q:\n%s", mark, text)
		}
	}
}
