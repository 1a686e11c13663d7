package dataport_test

import (
	"context"
	"errors"
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
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
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

func (l *life) dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left < 0
}

// through does something between two moments of dying.
func (l *life) through(do func() error) error {
	if err := l.step(); err != nil {
		return err
	}
	return errors.Join(do(), l.step())
}

// around lets requests die on their way, and answers on theirs.
func (l *life) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		if l.through(func() error { next.ServeHTTP(answer, r); return nil }) != nil {
			panic(http.ErrAbortHandler)
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// mortal is the hub's side as a process sees it that can die before and after
// each call.
type mortal struct {
	hub.Intake
	*life
}

func (m mortal) Publish(ctx context.Context, e hub.Event) error {
	return m.through(func() error { return m.Intake.Publish(ctx, e) })
}

func (m mortal) State() hub.State { return mortalState{m.Intake.State(), m.life} }
func (m mortal) Blobs() hub.Blobs { return mortalBlobs{m.Intake.Blobs(), m.life} }

type mortalState struct {
	hub.State
	*life
}

func (s mortalState) Put(ctx context.Context, key string, value []byte) error {
	return s.through(func() error { return s.State.Put(ctx, key, value) })
}

type mortalBlobs struct {
	hub.Blobs
	*life
}

func (b mortalBlobs) Put(ctx context.Context, r io.Reader) (ref hub.BlobRef, err error) {
	err = b.through(func() (err error) { ref, err = b.Blobs.Put(ctx, r); return err })
	return ref, err
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

// TestCrashes lets the source die at random between any two of asking, fetching,
// storing, remembering, publishing and accepting, and with answers lost, while
// applications acknowledge at random, and settings change with each start. Each
// submission becomes one event, or is rejected before the hub could have it; none is
// lost, and none is accepted whose event no application has; or, as is set, the hub
// has not.
func TestCrashes(t *testing.T) {
	t.Parallel()
	t.Run("acknowledged", func(t *testing.T) { t.Parallel(); crash(t, "acknowledged") })
	t.Run("stored", func(t *testing.T) { t.Parallel(); crash(t, "stored") })
}

func crash(t *testing.T, accept string) {
	t.Helper()
	const crashes = 50
	random := seed(t)
	s := newService(t)
	in := adaptertest.NewIntake()
	var now *life
	var mu sync.Mutex
	s.around = func(next http.Handler) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		return now.around(next)
	}
	sent, settled := 0, map[string]bool{}
	for range crashes {
		for range random.IntN(2) {
			s.put(t, application(sent))
			sent++
		}
		s.tryAgain(t)
		ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
		mu.Lock()
		now = &life{left: random.IntN(45), end: end}
		mu.Unlock()
		source := s.source(t, ", forward: true, accept: "+accept+changing[random.IntN(len(changing))])
		ended := make(chan error, 1)
		go func() { ended <- source.Run(ctx, mortal{in, now}) }()
		for _, e := range in.Events() {
			if random.IntN(4) == 0 {
				settled[e.ID()] = true // the hub says it again until it is taken
				_ = settle(ctx, t, source, done(e.ID()))
			}
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		end()
		if !now.dead() {
			t.Fatal("a process that should have died lives")
		}
		if accept == "stored" {
			for _, e := range in.Events() {
				settled[e.ID()] = true
			}
		}
		ids := map[string]bool{}
		for _, e := range in.Events() {
			ids[e.ID()] = true
		}
		for n := range sent {
			switch ended := s.Ended(id(n)); {
			case ended == fit.AcceptSubmission && !settled[id(n)]:
				t.Fatalf("submission %d was accepted, and nobody has it", n)
			case ended == fit.RejectSubmission && ids[id(n)]:
				t.Fatalf("submission %d was rejected, and the hub has it", n)
			}
		}
	}
	s.tryAgain(t)
	mu.Lock()
	now = &life{left: 1 << 30, end: func() {}}
	mu.Unlock()
	source := s.source(t, ", accept: "+accept)
	until(t, source, in, func() bool {
		for _, e := range in.Events() {
			if err := settle(t.Context(), t, source, done(e.ID())); err != nil {
				t.Fatal(err)
			}
		}
		return len(s.Waiting(destination)) == 0
	})
	rejects := 0
	for n := range sent {
		if s.Ended(id(n)) == fit.RejectSubmission {
			rejects++
			continue
		}
		if accepts := count(s.Log(id(n)), fit.AcceptSubmission); accepts != 1 {
			t.Errorf("submission %d was accepted %d times", n, accepts)
		}
	}
	if got := len(in.Events()); got != sent-rejects || in.Breaches() != nil {
		t.Errorf("%d submissions, %d of them rejected, became %d events: %v", sent, rejects, got, in.Breaches())
	}
	if aside, err := s.reports(); err != nil || len(aside) > rejects {
		t.Error(aside, err)
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, "fit", "work", "*")); err != nil || len(left) != 0 {
		t.Error("files are left:", left, err)
	}
}

// tryAgain takes away what keeps submissions aside.
func (s *service) tryAgain(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "fit", "error", "*"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// changing are settings that are others at each start: what they refuse is kept aside.
var changing = []string{
	"", "", ", ags: '02000000'", ", zurueckweisen: true, fachdaten: [{schema: '" + schemaURI + "', typ: de.probe.antrag-eingereicht.v1}]",
	", zurueckweisen: true, leistungen: ['99107001017001']", ", anlagen-typen: [text/plain]", ", max-anlage: 5",
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}
