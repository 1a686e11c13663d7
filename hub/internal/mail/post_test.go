package mail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
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

// world is a post at work beside a mail server, in a bubble of synctest.
type world struct {
	*Post
	t      *testing.T
	office *office
	store  *memory
	mu     sync.Mutex
	counts map[string]int
	stop   func()
	down   func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, office: newOffice(), store: &memory{of: map[string][]byte{}}, counts: map[string]int{}}
	w.Post = &Post{Server: opened(t, Config{Server: "127.0.0.1:25"}), Store: w.store, Log: zap.NewNop(), Count: w.count}
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
	w.Server.dial = l.dial
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

// TestPostHour: one mail an hour for an application and kind of thing; what comes
// meanwhile is counted and told in the next.
func TestPostHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.told("kreis.jugend", "parked")
		w.expect(1)
		for range 500 {
			w.told("kreis.jugend", "parked")
		}
		w.told("kreis.jugend", "gone")
		w.told("kreis.abfall", "parked")
		w.expect(3)
		if n := w.Waiting(); n != 1 {
			t.Errorf("%d mails wait, want 1", n)
		}
		time.Sleep(pause - time.Second)
		w.expect(3)
		time.Sleep(2 * time.Second)
		if m := w.expect(4); !strings.Contains(m.body, "Count: 500 times since 2") || !strings.Contains(m.body, "Anzahl: 500-mal seit 2") {
			t.Errorf("the second mail says\n%s", m.body)
		}
		time.Sleep(10 * pause)
		w.expect(4)
		w.told("kreis.jugend", "parked")
		if m := w.expect(5); strings.Contains(m.body, "Count:") {
			t.Errorf("a single one is counted:\n%s", m.body)
		}
		if n := w.store.puts; n > 12 {
			t.Errorf("stored %d times", n)
		}
	})
}

// TestPostServerAway: a mail outlasts a day and a half without the server, as one mail,
// and after two days the hub gives up; attempts come ever more seldom.
func TestPostServerAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.down()
		w.told("kreis.jugend", "gone")
		w.told("kreis.abfall", "gone")
		time.Sleep(36 * time.Hour)
		w.mu.Lock()
		tries := w.counts[Retried]
		w.mu.Unlock()
		if tries < 36*6 || tries > 36*12+20 { // every 5 to 10 minutes
			t.Errorf("%d attempts in 36 hours", tries)
		}
		w.up()
		time.Sleep(10 * time.Minute)
		w.expect(2)
		w.down()
		w.told("kreis.jugend", "failing")
		time.Sleep(giveUp + time.Hour)
		w.up()
		time.Sleep(time.Hour)
		w.expect(2)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.counts[Failed] != 1 || w.counts[Sent] != 2 || w.Waiting() != 0 {
			t.Errorf("%v, %d wait", w.counts, w.Waiting())
		}
		w.end()
	})
}

// TestPostAnswers: an address that is refused for good concerns no other mail; one that
// is refused for now is tried again, with the same Message-ID.
func TestPostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		code := 550
		ids := map[string]bool{}
		w.office.set(func(command string) error {
			if command != "DATA" || code == 0 {
				return nil
			}
			return &smtp.SMTPError{Code: code, Message: "no"}
		})
		w.told("kreis.jugend", "gone")
		if got := w.counted(); got != "map[failed:1]" {
			t.Errorf("refused for good: %s", got)
		}
		code = 450
		w.told("kreis.abfall", "gone")
		id := func() string { return write(w.book["kreis.abfall gone"], "amtsbote.example").id }
		ids[id()] = true
		time.Sleep(time.Hour)
		if got := w.counted(); !strings.HasPrefix(got, "map[failed:1 retried:1") {
			t.Errorf("refused for now: %s", got)
		}
		ids[id()] = true
		code = 0
		w.told("kreis.jugend", "recovered")
		w.expect(1) // at once
		time.Sleep(10 * time.Minute)
		m := w.expect(2)
		ids[strings.Trim(m.header.Get("Message-ID"), "<>")] = false
		if len(ids) != 1 {
			t.Errorf("ids %v", ids)
		}
	})
}

// TestPostRestart: what waits and which hour has not passed outlive a restart of the
// hub.
func TestPostRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.told("kreis.jugend", "gone")
		w.expect(1)
		w.down()
		w.told("kreis.jugend", "gone")    // must wait for its hour
		w.told("kreis.jugend", "failing") // cannot be sent
		w.stop()
		w.up()
		w.start()
		defer w.end()
		if m := w.expect(2); !strings.Contains(m.body, "Nothing gets through") {
			t.Errorf("after the restart came\n%s", m.body)
		}
		time.Sleep(pause)
		w.expect(3)
		w.stop()
		w.store.of[bookKey] = []byte(`{"of another": "form"}`)
		w.start()
		w.told("kreis.jugend", "recovered")
		w.expect(4)
	})
}

// TestPostStoreAway: a store that does not answer keeps no mail.
func TestPostStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.store.broken = true
		w.told("kreis.jugend", "gone")
		w.expect(1)
		w.store.mu.Lock()
		w.store.broken = false
		w.store.mu.Unlock()
		time.Sleep(time.Minute)
		if len(w.store.of[bookKey]) == 0 {
			t.Error("not stored when the store is back")
		}
	})
}

// TestPostBounded: the book has its bound, and fits into a message of NATS.
func TestPostBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.down()
		for i := range most + 50 {
			n := notice("gone")
			n.At, n.Application = time.Now(), fmt.Sprintf("%s.%d", strings.Repeat("o", 60), i)
			n.To, n.Host = strings.Repeat("t", 64)+"@"+strings.Repeat("abcdefgh.", 20)+"example", strings.Repeat("h", 253)
			w.Tell(n)
		}
		synctest.Wait()
		if w.Waiting() != most {
			t.Errorf("%d wait", w.Waiting())
		}
		time.Sleep(2 * time.Second)
		if n := len(w.store.of[bookKey]); n > 1<<20-1024 || n < most*500 {
			t.Errorf("%d bytes are stored", n)
		}
		w.stop()
	})
}
