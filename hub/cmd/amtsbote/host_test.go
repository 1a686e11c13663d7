package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// host is the hub as a process that can be killed.
type host struct {
	t             *testing.T
	bin, fed, log string
	data, url     string
	remove        string // --remove-every; the tests that count all copies at the end have none removed
	env, args     []string
	cmd           *exec.Cmd
	from          int64         // where the log of this start begins
	ended         chan struct{} // closed when the process is gone
	err           error         // how it ended
}

// hubs builds each binary of the hub that the tests ask for once, by arguments.
var hubs = struct {
	sync.Mutex
	dir   string
	built map[string]string
}{built: map[string]string{}}

// buildHub builds the hub's binary, once a run of the tests.
func buildHub(t *testing.T, args ...string) string {
	t.Helper()
	hubs.Lock()
	defer hubs.Unlock()
	name := strings.Join(args, " ")
	if bin := hubs.built[name]; bin != "" {
		return bin
	}
	bin := filepath.Join(hubs.dir, fmt.Sprintf("amtsbote%d", len(hubs.built)))
	args = append([]string{"build", "-o", bin}, args...)
	if raced.On {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	hubs.built[name] = bin
	return bin
}

// newHost prepares a hub of the test federation; data "" is a folder of its own.
func newHost(t *testing.T, bin, data string) *host {
	t.Helper()
	dir := t.TempDir()
	if data == "" {
		data = filepath.Join(dir, "data")
	}
	h := &host{t: t, bin: bin, fed: filepath.Join(dir, "fed"), log: filepath.Join(dir, "log"), data: data, url: freeAddress(t), remove: "-1s"}
	// the data directory lies below the temporary directory only in tests
	h.env = []string{"TMPDIR=" + filepath.Join(dir, "tmp")}
	hubtest.WriteFederation(t, h.fed)
	t.Cleanup(func() {
		if h.cmd != nil {
			h.kill()
		}
		if f, err := os.Open(h.log); err == nil {
			if _, held, _ := holds(f, "DATA RACE"); held {
				t.Error("the hub has a data race")
			}
			_ = f.Close()
		}
		if t.Failed() {
			t.Logf("the hub's last lines:\n%s", h.linesFrom(h.logged()-4000))
		}
	})
	return h
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// lines is what the hub has logged and printed so far.
func (h *host) lines() string { return h.linesFrom(0) }

// linesFrom is what it has logged behind an offset: long runs log gigabytes.
func (h *host) linesFrom(offset int64) string {
	f, err := os.Open(h.log)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	log, _ := io.ReadAll(io.NewSectionReader(f, max(offset, 0), 1<<40))
	return string(log)
}

// logged is how long the log is.
func (h *host) logged() int64 {
	info, err := os.Stat(h.log)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (h *host) start() {
	h.t.Helper()
	logFile, err := os.OpenFile(h.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = logFile.Close() }()
	h.cmd = exec.Command(h.bin, "serve", h.fed, "--data", h.data, "--listen", h.url, "--remove-every", h.remove)
	h.cmd.Args = append(h.cmd.Args, h.args...)
	h.cmd.Env = append(os.Environ(), h.env...)
	h.cmd.Stdout, h.cmd.Stderr = logFile, logFile
	h.from, h.ended = h.logged(), make(chan struct{})
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		h.err = cmd.Wait()
	}(h.cmd, h.ended)
}

// comesUp waits until the hub is at work; false when it ended instead.
func (h *host) comesUp() bool {
	h.t.Helper()
	up := false
	eventually(h.t, "the hub to come up or to end", func() error {
		select {
		case <-h.ended:
			return nil
		default:
		}
		if up = strings.Contains(h.linesFrom(h.from), "Amtsbote serves"); up {
			h.unharmed()
			return nil
		}
		return errors.New("neither yet")
	})
	return up
}

// unharmed: the comparison at this start has found nothing missing. A crash is no
// damage.
func (h *host) unharmed() {
	h.t.Helper()
	l, err := app.ReadLedger(h.data)
	if err != nil || l.Compared == nil {
		h.t.Fatalf("nothing was compared at start: %v", err)
	}
	if n := len(l.Compared.Losses); n > 0 {
		h.t.Errorf("the comparison at start misses %d messages, the first is %v", n, l.Compared.Losses[0])
	}
}

// kill is kill -9.
func (h *host) kill() {
	_ = h.cmd.Process.Kill()
	<-h.ended
}

// stop is Ctrl-C; the hub must end well.
func (h *host) stop() {
	h.t.Helper()
	_ = h.cmd.Process.Signal(os.Interrupt)
	if <-h.ended; h.err != nil {
		h.t.Errorf("Ctrl-C: %v", h.err)
	}
}

// startUp is longer than a start takes: a moment within it hits the hub while
// it recovers, or soon after.
const startUp = 150 * time.Millisecond

// strike ends the hub without warning and starts it again, times times: spread
// over the whole publishing, and one in three while the hub is still starting.
func (h *host) strike(r *rand.Rand, times int, pub *publisher, blow func()) {
	for i := range times {
		if i > 0 && r.IntN(3) == 0 {
			<-time.After(time.Duration(r.Int64N(int64(startUp))))
		} else {
			at := pub.events * (i + 1) / (times + 1)
			pub.waitAcked(at + r.IntN(max(pub.events/(2*times), 1)))
			<-time.After(time.Duration(r.Int64N(int64(2 * time.Millisecond))))
		}
		blow()
		h.start()
	}
}

func (h *host) connect() (*nats.Conn, jetstream.JetStream) {
	h.t.Helper()
	var nc *nats.Conn
	eventually(h.t, "connect", func() error {
		var err error
		nc, err = nats.Connect(h.url, nats.UserCredentials(filepath.Join(h.data, bus.LocalCredential)), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // lost connections are what these tests make
		return err
	})
	h.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		h.t.Fatal(err)
	}
	return nc, js
}

// waitSettled waits until all events are decided, stops the hub in peace, and
// waits until it has carried out everything after one more start.
func (h *host) waitSettled() {
	h.t.Helper()
	h.waitCursors("TRAIL")
	h.stop()
	h.start()
	h.waitCursors("TRAIL", "OUT", "QUARANTINE")
}

// waitCursors waits until the cursors of IN_alpha in these streams have reached
// its end.
func (h *host) waitCursors(streams ...string) {
	h.t.Helper()
	nc, js := h.connect()
	defer nc.Close()
	eventually(h.t, "the hub to settle all events", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		in, err := js.Stream(ctx, "IN_alpha")
		if err != nil {
			return err
		}
		for _, name := range streams {
			at, err := cursor(ctx, js, name)
			if err != nil {
				return err
			}
			if last := in.CachedInfo().State.LastSeq; at != last {
				return fmt.Errorf("%s is at %d of %d", name, at, last)
			}
		}
		return nil
	})
}

// waitDecided waits until what IN_alpha holds up to a sequence is decided.
func (h *host) waitDecided(seq uint64) {
	h.t.Helper()
	nc, js := h.connect()
	defer nc.Close()
	eventually(h.t, "the hub to decide", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		at, err := cursor(ctx, js, "TRAIL")
		if err == nil && at < seq {
			err = fmt.Errorf("it is at %d of %d", at, seq)
		}
		return err
	})
}

func cursor(ctx context.Context, js jetstream.JetStream, stream string) (uint64, error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	m, err := s.GetLastMsgForSubject(ctx, strings.ToLower(stream)+".cursor.IN_alpha")
	if err != nil {
		return 0, err
	}
	var c decision.Cursor
	err = json.Unmarshal(m.Data, &c)
	return c.Floor(), err // what is owed to a mailbox is not carried out yet
}

func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	eventuallyWithin(t, hubtest.Patience, what, try)
}

func eventuallyWithin(t *testing.T, limit time.Duration, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s: %v", what, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}
