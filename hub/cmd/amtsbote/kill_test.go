package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// What the kill test sends (killEvents, see race_off_test.go): most events are
// good, some are bad in each way.
const (
	killKeys     = 64
	percentBad   = 1
	percentDup   = 5
	percentClash = 2
	percentNone  = 1
)

// TestKill publishes 20 000 events while the process is killed with SIGKILL
// twenty times at random. At the end every acknowledged event has exactly one
// outcome, every routed one exactly one copy per receiver, and the order per
// key is intact.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("AMTSBOTE_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("replay with AMTSBOTE_SEED=%d", seed)
	h := newHost(t)
	h.start()
	pub := newPublisher(t, h, seed)
	killing := make(chan struct{})
	go func() {
		defer close(killing)
		h.killAtRandom(rand.New(rand.NewPCG(seed, 1)), killTimes, pub)
	}()
	pub.publishAll()
	<-killing
	h.waitSettled()
	checkOutcomes(t, h, pub)
}

// host is the hub as a process that can be killed.
type host struct {
	t         *testing.T
	bin, fed  string
	data, url string
	cmd       *exec.Cmd
}

func newHost(t *testing.T) *host {
	dir := t.TempDir()
	h := &host{t: t, bin: filepath.Join(dir, "amtsbote"), fed: filepath.Join(dir, "fed"), data: filepath.Join(dir, "data")}
	args := []string{"build", "-o", h.bin}
	if raceBuild {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	hubtest.WriteFederation(t, h.fed)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = l.Addr().String()
	_ = l.Close()
	// the data directory lies below the temporary directory only in tests
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	t.Cleanup(func() {
		if h.cmd != nil {
			_ = h.cmd.Process.Kill()
			_ = h.cmd.Wait()
		}
		log, err := os.ReadFile(h.data + ".log")
		if strings.Contains(string(log), "DATA RACE") {
			t.Error("the hub has a data race")
		}
		if err == nil && t.Failed() {
			t.Logf("the hub's last lines:\n%s", log[max(0, len(log)-4000):])
		}
	})
	return h
}

func (h *host) start() {
	h.t.Helper()
	logFile, err := os.OpenFile(h.data+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = logFile.Close() }()
	h.cmd = exec.Command(h.bin, "serve", h.fed, "--data", h.data, "--listen", h.url, "--remove-every", "-1s") // all copies are counted
	h.cmd.Stdout, h.cmd.Stderr = logFile, logFile
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
}

// killAtRandom kills and starts again, spread over the whole publishing.
func (h *host) killAtRandom(r *rand.Rand, times int, pub *publisher) {
	for i := range times {
		at := int64(killEvents * (i + 1) / (times + 1))
		at += r.Int64N(killEvents / int64(2*times))
		pub.waitAcked(at)
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
		h.start()
	}
}

func (h *host) connect() (*nats.Conn, jetstream.JetStream) {
	h.t.Helper()
	var nc *nats.Conn
	eventually(h.t, "connect", func() error {
		opt, err := nats.NkeyOptionFromSeed(filepath.Join(h.data, "local.nk"))
		if err != nil {
			return err
		}
		nc, err = nats.Connect(h.url, opt, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
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
	_ = h.cmd.Process.Signal(os.Interrupt)
	if err := h.cmd.Wait(); err != nil {
		h.t.Errorf("Ctrl-C: %v", err)
	}
	h.start()
	h.waitCursors("TRAIL", "OUT", "QUARANTINE")
}

// waitCursors waits until the cursors of IN_alpha in these streams have reached
// its end.
func (h *host) waitCursors(streams ...string) {
	h.t.Helper()
	_, js := h.connect()
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
	return c.Seq, err
}

func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
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

// sent is one event of the plan and what must become of it.
type sent struct {
	id, key string
	n       int // place within its key
	body    string
	typ     string
	want    string // outcome of its first acknowledgement
}

// publisher sends the plan; each key is sent by one goroutine, one after the
// other, so that its order is known.
type publisher struct {
	t     *testing.T
	js    jetstream.JetStream
	plan  [killKeys][]sent
	mu    sync.Mutex
	cond  *sync.Cond
	acked map[uint64]sent // by sequence in IN_alpha
}

func newPublisher(t *testing.T, h *host, seed uint64) *publisher {
	_, js := h.connect()
	p := &publisher{t: t, js: js, acked: map[uint64]sent{}}
	p.cond = sync.NewCond(&p.mu)
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range killEvents {
		k := r.IntN(killKeys)
		p.plan[k] = append(p.plan[k], p.draw(r, k, i))
	}
	return p
}

func (p *publisher) draw(r *rand.Rand, k, i int) sent {
	s := sent{
		id: fmt.Sprintf("e-%06d", i), key: fmt.Sprintf("case-%d", k), n: len(p.plan[k]),
		body: fmt.Sprintf(`{"n":%d,"text":"x"}`, i), typ: hubtest.Ding, want: "routed",
	}
	var before *sent
	for j := len(p.plan[k]) - 1; j >= 0 && before == nil; j-- {
		if p.plan[k][j].want == "routed" {
			before = &p.plan[k][j]
		}
	}
	switch x := r.IntN(100); {
	case x < percentBad:
		s.body, s.want = `{"n":"not a number"}`, "quarantined"
	case x < percentBad+percentNone:
		s.typ, s.want = hubtest.Niemand, "unrouted"
	case x < percentBad+percentNone+percentDup && before != nil:
		s.id, s.body, s.want = before.id, before.body, "suppressed"
	case x < percentBad+percentNone+percentDup+percentClash && before != nil:
		s.id, s.want = before.id, "quarantined"
	}
	return s
}

func (p *publisher) publishAll() {
	var wg sync.WaitGroup
	for k := range p.plan {
		wg.Go(func() {
			for _, s := range p.plan[k] {
				p.publish(s)
			}
		})
	}
	wg.Wait()
}

// publish repeats until the acknowledgement is there, as every client must.
func (p *publisher) publish(s sent) {
	m := &nats.Msg{Subject: "in.alpha.app." + s.typ, Data: []byte(s.body), Header: nats.Header{
		"ce-specversion": {"1.0"}, "ce-id": {s.id}, "ce-source": {"urn:test:alpha:" + s.key}, "ce-type": {s.typ},
		"ce-correlationid": {s.key}, "Content-Type": {"application/json"},
	}}
	for deadline := time.Now().Add(2 * time.Minute); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		ack, err := p.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		cancel()
		if err == nil {
			p.mu.Lock()
			p.acked[ack.Sequence] = s
			p.cond.Broadcast()
			p.mu.Unlock()
			return
		}
		if time.Now().After(deadline) {
			p.t.Errorf("publish %s: %v", s.id, err)
			return
		}
	}
}

func (p *publisher) waitAcked(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for int64(len(p.acked)) < n {
		p.cond.Wait()
	}
}
