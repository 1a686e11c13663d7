package mail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/zap"
)

// memory is a store.
type memory struct {
	mu     sync.Mutex
	of     map[string][]byte
	broken bool
	puts   int
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[key], nil
}

func (m *memory) Put(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	if m.broken {
		return errors.New("full")
	}
	m.of[key] = value
	return nil
}

// stored is what the book takes in the store.
func (m *memory) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.of[bookKey])
}

// world is a post at work beside a mail server, in a bubble of synctest.
type world struct {
	*Post
	t      *testing.T
	office *office
	store  *memory
	mu     sync.Mutex
	dial   dialFunc
	counts map[string]int
	stop   func()
	down   func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, office: newOffice(), store: &memory{of: map[string][]byte{}}, counts: map[string]int{}}
	w.Post = &Post{Server: opened(t, Config{Server: "127.0.0.1:25"}), Store: w.store, Log: zap.NewNop(), Count: w.count}
	w.Server.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		w.mu.Lock()
		dial := w.dial
		w.mu.Unlock()
		return dial(ctx, network, addr)
	}
	w.up()
	w.start()
	return w
}

func (w *world) count(result string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[result]++
}

func (w *world) counted() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(maps.Clone(w.counts))
}

// up has the mail server listen.
func (w *world) up() {
	l := newPipes()
	w.office.Server = *smtp.NewServer(w.office)
	w.office.ErrorLog = quiet{}
	w.mu.Lock()
	w.dial = l.dial
	w.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.office.Serve(l) })
	w.down = func() { _ = w.office.Close(); _ = l.Close(); wg.Wait() }
}

// start begins with what the store holds.
func (w *world) start() {
	w.t.Helper()
	w.Post = &Post{Server: w.Server, Store: w.store, Log: zap.NewNop(), Count: w.count}
	if err := w.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.Run(ctx) })
	w.stop = func() { cancel(); wg.Wait() }
}

func (w *world) end() {
	w.stop()
	w.down()
}

// told tells something now.
func (w *world) told(application, what string) {
	n := notice(what)
	n.Application, n.Since, n.At = application, time.Now(), time.Now()
	w.Tell(n)
	synctest.Wait()
}

// expect checks how many mails have come, and gives the last.
func (w *world) expect(n int) (last received) {
	w.t.Helper()
	synctest.Wait()
	mails := w.office.got()
	if len(mails) != n {
		w.t.Fatalf("%d mails came, want %d", len(mails), n)
	}
	if n > 0 {
		last = mails[n-1]
	}
	return last
}
