package akdb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/hub"
)

var errDied = errors.New("the process is dead")

// life is a process that dies at a step: nothing that it does afterwards has an
// effect, and it hears no answer any more.
type life struct {
	mu   sync.Mutex
	left int
	end  context.CancelFunc
}

func (l *life) step() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left--; l.left >= 0 {
		return nil
	}
	l.end()
	return errDied
}

// mortal is the hub's side as a process sees it that can die before and after
// each call.
type mortal struct {
	hub.Intake
	*life
}

func (m mortal) Publish(ctx context.Context, e hub.Event) error {
	return errors.Join(m.step(), m.whileAlive(func() error { return m.Intake.Publish(ctx, e) }), m.step())
}

func (m mortal) Blobs() hub.Blobs { return mortalBlobs{m.Intake.Blobs(), m} }

func (m mortal) whileAlive(do func() error) error {
	m.mu.Lock()
	dead := m.left < 0
	m.mu.Unlock()
	if dead {
		return errDied
	}
	return do()
}

type mortalBlobs struct {
	hub.Blobs
	m mortal
}

func (b mortalBlobs) Put(ctx context.Context, r io.Reader) (ref hub.BlobRef, err error) {
	err = errors.Join(b.m.step(), b.m.whileAlive(func() (err error) { ref, err = b.Blobs.Put(ctx, r); return err }), b.m.step())
	return ref, err
}

// around lets requests die on their way, and answers on theirs.
func (l *life) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.step() != nil {
			panic(http.ErrAbortHandler)
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		if l.step() != nil {
			panic(http.ErrAbortHandler)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// seed is the run's, or that of AMTSBOTE_SEED.
func seed(t *testing.T) *rand.Rand {
	t.Helper()
	n := rand.Uint64()
	if s, err := strconv.ParseUint(os.Getenv("AMTSBOTE_SEED"), 10, 64); err == nil {
		n = s
	}
	t.Logf("AMTSBOTE_SEED=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}

// TestXTACrashes lets the source die 200 times at random: between any two of
// asking, fetching, storing, publishing, acknowledging and closing, and with
// answers lost. Each message is stored once, none is lost.
func TestXTACrashes(t *testing.T) {
	t.Parallel()
	const crashes = 200
	random := seed(t)
	b := newBroker(t, xtasim.Options{MTOM: true})
	in := adaptertest.NewIntake()
	var now *life
	var mu sync.Mutex
	b.around = func(next http.Handler) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		return now.around(next)
	}
	sent := 0
	for range crashes {
		for range random.IntN(3) {
			content, _, _ := mail(t, sent)
			b.Put(to(content))
			sent++
		}
		ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
		mu.Lock()
		now = &life{left: random.IntN(30), end: end}
		mu.Unlock()
		source := b.source(t, "")
		if err := source.Run(ctx, mortal{in, now}); err != nil {
			t.Fatal(err)
		}
		end()
		if now.left >= 0 {
			t.Fatal("a process that should have died lives")
		}
	}
	mu.Lock()
	now = &life{left: 1 << 30, end: func() {}}
	mu.Unlock()
	until(t, b.source(t, ""), in, func() bool { return len(b.Waiting(registerKey)) == 0 })
	if got := len(in.Events()); got != sent || in.Breaches() != nil {
		t.Errorf("%d messages became %d events: %v", sent, got, in.Breaches())
	}
	if aside, err := reports(b.dir); err != nil || len(aside) != 0 {
		t.Error(aside, err)
	}
	if left, err := filepath.Glob(filepath.Join(b.dir, "work", "*")); err != nil || len(left) != 0 {
		t.Error("files are left:", left, err)
	}
}

// TestXTASinkCrashes lets the sink die at random between any two calls, with
// answers lost: each event is sent once, in the end.
func TestXTASinkCrashes(t *testing.T) {
	t.Parallel()
	random := seed(t)
	b := newBroker(t, xtasim.Options{})
	var now *life
	b.around = func(next http.Handler) http.Handler { return now.around(next) }
	const events = 15
	for n := range events {
		d := hub.Delivery{ID: fmt.Sprint("d", n), Attempt: 1, Event: event(t, n, xmeld.TypeEingegangen, applicationData())}
		for {
			ctx, end := context.WithCancel(t.Context())
			now = &life{left: random.IntN(9), end: end}
			err := b.sink(t, "").Deliver(ctx, d)
			end()
			if err == nil {
				break
			}
			if hub.FaultOf(err).Permanent {
				t.Fatal(err)
			}
			d.Attempt++
		}
	}
	sent := b.Sent()
	if len(sent) != events {
		t.Errorf("%d events were sent %d times", events, len(sent))
	}
	if left, err := filepath.Glob(filepath.Join(b.dir, "out", "*.[0-9]")); err != nil || len(left) != 0 {
		t.Error("contents are left:", left, err)
	}
}
