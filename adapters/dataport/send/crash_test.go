package send_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
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

// mortal is the hub's side as a process sees it that can die.
type mortal struct {
	hub.Intake
	*life
}

func (m mortal) Publish(ctx context.Context, e hub.Event) error {
	return m.through(func() error { return m.Intake.Publish(ctx, e) })
}

func (m mortal) Blobs() hub.Blobs { return mortalBlobs{m.Intake.Blobs(), m.life} }

type mortalBlobs struct {
	hub.Blobs
	*life
}

func (b mortalBlobs) Put(ctx context.Context, r io.Reader) (ref hub.BlobRef, err error) {
	err = b.through(func() (err error) { ref, err = b.Blobs.Put(ctx, r); return err })
	return ref, err
}

// TestCrashes lets the process die at every step of sending: before each call to the
// service, and after it with the answer lost. Then one that lives goes on; in the end
// there is one submission, whole. The source after it dies likewise, and each entry
// of the event log is told once.
func TestCrashes(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for n := 0; ; n++ {
		ctx, end := context.WithCancel(t.Context())
		l := &life{left: n, end: end}
		s.wrap(l.around)
		d := delivery(fmt.Sprintf("tod-%d", n), dog(n))
		err := s.sink(t, "").Deliver(ctx, d)
		died := l.dead()
		end()
		s.wrap(nil)
		if died == (err == nil) {
			t.Fatalf("step %d: died %v, and Deliver gave %v", n, died, err)
		}
		d.Attempt = 2
		if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
			t.Fatalf("step %d: after a restart: %v", n, err)
		}
		if err := deliver(t, s.sink(t, ""), d, 1); err != nil { // and once more
			t.Fatal(err)
		}
		_, data, attachments := s.received(t, s.only(t, receiver), keys()[0])
		if want := fmt.Sprintf(`{"name":"Rex","nummer":%d}`, n); data != want || len(attachments) != 2 {
			t.Errorf("step %d: the receiver has %s and %d attachments", n, data, len(attachments))
		}
		s.followThrough(t, n)
		if !died {
			if n < 15 {
				t.Errorf("there were only %d steps", n)
			}
			return
		}
	}
}

// followThrough lets the source die at a step while the receiver accepts what waits,
// and then has one go on that lives.
func (s *service) followThrough(t *testing.T, n int) {
	t.Helper()
	id := s.only(t, receiver)
	if err := s.Receiver(id, fit.AcceptSubmission, nil, keys()[1]); err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	ctx, end := context.WithCancel(t.Context())
	l := &life{left: n, end: end}
	s.wrap(l.around)
	source, err := send.Kind().Source(s.env(), s.settings(""))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx, mortal{in, l}) }()
	want := len(s.SETs(id))
	for !l.dead() && len(in.Events()) < want {
		select {
		case <-ctx.Done():
		case <-t.Context().Done():
			t.Fatal("it did not come to that")
		default:
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s.wrap(nil)
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) >= want })
	if got := fmt.Sprint(types(in.Events())); got != "[stand-gemeldet stand-gemeldet stand-gemeldet zugestellt]" || in.Breaches() != nil {
		t.Errorf("step %d: events %s, %v", n, got, in.Breaches())
	}
}
