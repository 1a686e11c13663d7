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
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
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

func (l *life) lives() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left >= 0
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
	if !m.lives() {
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
// asking, fetching, storing, publishing, acknowledging, closing and sending back,
// and with answers lost. Each message is stored once, none is lost; each that is
// refused is set aside, and sent back once where that is switched on.
func TestXTACrashes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		mtom, answered bool
	}{{"MTOM", true, false}, {"inline, sent back", false, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			crashes(t, newBroker(t, xtasim.Options{MTOM: c.mtom}), c.answered)
		})
	}
}

func crashes(t *testing.T, b *broker, answered bool) {
	t.Helper()
	const crashes = 200
	random := seed(t)
	in := adaptertest.NewIntake()
	var now *life
	var mu sync.Mutex
	b.around = func(next http.Handler) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		return now.around(next)
	}
	source := func() hub.Source {
		if answered {
			s := b.answeringSource(t, "")
			akdb.Mortal(s, now.step)
			return s
		}
		return b.source(t, "")
	}
	good, bad := 0, 0
	for range crashes {
		for range random.IntN(3) {
			if answered && random.IntN(4) == 0 {
				b.Put(to(faulty(t, good+bad)))
				bad++
				continue
			}
			content, _, _ := mail(t, good+bad)
			b.Put(to(padded(content, random)))
			good++
		}
		ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
		mu.Lock()
		now = &life{left: random.IntN(30), end: end}
		mu.Unlock()
		if err := source().Run(ctx, mortal{in, now}); err != nil {
			t.Fatal(err)
		}
		end()
		if now.lives() {
			t.Fatal("a process that should have died lives")
		}
	}
	mu.Lock()
	now = &life{left: 1 << 30, end: func() {}}
	mu.Unlock()
	until(t, source(), in, func() bool { return b.quiet(t) })
	if got := len(in.Events()); got != good || in.Breaches() != nil {
		t.Errorf("%d messages became %d events: %v", good, got, in.Breaches())
	}
	if aside, err := reports(b.dir); err != nil || len(aside) != bad {
		t.Error(bad, "messages are to be refused:", aside, err)
	}
	b.eachOnce(t, bad)
	if left, err := filepath.Glob(filepath.Join(b.dir, "work", "*")); err != nil || len(left) != 0 {
		t.Error("files are left:", left, err)
	}
}

// padded makes every other message so large that its content leaves the envelope.
func padded(content string, random *rand.Rand) string {
	if random.IntN(2) == 0 {
		return content
	}
	return content + "\n<!-- " + strings.Repeat("x ", 10_000) + "-->\n"
}

var sentBackIDs = regexp.MustCompile(`(?s)<nachrichtenUUID>(.*?)<.*<idNachricht>\s*<nachrichtenUUID>(.*?)<`)

// eachOnce looks whether as many different messages were sent back, once each.
func (b *broker) eachOnce(t *testing.T, want int) {
	t.Helper()
	ids, origins := map[string]bool{}, map[string]bool{}
	for _, l := range b.Sent() {
		found := sentBackIDs.FindSubmatch(l.Message.Bytes)
		if found == nil {
			t.Fatalf("no Rückweisung: %s", l.Message.Bytes)
		}
		ids[string(found[1])], origins[string(found[2])] = true, true
	}
	if len(b.Sent()) != want || len(ids) != want || len(origins) != want {
		t.Errorf("%d Rückweisungen with %d ids about %d messages, %d were to be sent", len(b.Sent()), len(ids), len(origins), want)
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
