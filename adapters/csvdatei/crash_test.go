package csvdatei_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// dying is an Intake whose process dies at a write to its memory: that write is
// done or not, and nothing after it.
type dying struct {
	*adaptertest.Intake

	mu    sync.Mutex
	at    int  // the write, from 1
	after bool // it is done
	n     int
	dead  chan struct{}
}

func (d *dying) State() hub.State { return dyingState{d.Intake.State(), d} }

func (d *dying) isDead() bool {
	select {
	case <-d.dead:
		return true
	default:
		return false
	}
}

type dyingState struct {
	hub.State
	of *dying
}

var errDead = errors.New("the process has died")

func (s dyingState) write(do func() error) error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if s.of.isDead() {
		return errDead
	}
	if s.of.n++; s.of.n != s.of.at {
		return do()
	}
	err := errDead
	if s.of.after { // before the test hears of it, and ends ctx
		err = errors.Join(do(), errDead)
	}
	close(s.of.dead)
	return err
}

func (s dyingState) Get(ctx context.Context, key string) ([]byte, error) {
	if s.of.isDead() {
		return nil, errDead
	}
	return s.State.Get(ctx, key)
}

func (s dyingState) Put(ctx context.Context, key string, value []byte) error {
	return s.write(func() error { return s.State.Put(ctx, key, value) })
}

func (s dyingState) Delete(ctx context.Context, key string) error {
	return s.write(func() error { return s.State.Delete(ctx, key) })
}

// TestDeathInMemory: the process dies at each write to the memory while a file is
// read, finished and forgotten: each row comes once, the bad one is set aside once,
// and a finished file is not read again.
func TestDeathInMemory(t *testing.T) {
	const rows = 450
	var text strings.Builder
	text.WriteString("Vorgang;Betrag;Name\n1;viel;A\n")
	for n := range rows {
		fmt.Fprintf(&text, "%d;%d;A\n", n, n)
	}
	// The first write of all is that of the key: it ends Run.
	const first, last = 2, 6 // begun, after 200, after 400, finished, forgotten
	for at := first; at <= last; at++ {
		for _, after := range []bool{false, true} {
			o := newOffice(t, strings.Replace(settings, "max-bytes: 4096", "max-bytes: 1000000", 1))
			if err := o.drop("lang.csv", text.String()); err != nil {
				t.Fatal(err)
			}
			in := &dying{Intake: adaptertest.NewIntake(), at: at, after: after, dead: make(chan struct{})}
			o.play(t, in, in.isDead)
			if n := len(o.files("done/*/*/*/*.csv")); n != 0 {
				t.Fatalf("write %d: the file was moved all the same", at)
			}
			calls := 0
			in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error { calls++; return store() })
			o.play(t, in.Intake, o.done(1))
			reports, err := o.reports()
			if n := len(in.Events()); n != rows || len(reports) != 1 || err != nil {
				t.Errorf("write %d (%v): %d events, %d reports, %v", at, after, n, len(reports), err)
			}
			if finished := at == last || at == last-1 && after; finished && calls != 0 {
				t.Errorf("write %d (%v): a finished file was read again, %d calls", at, after, calls)
			}
		}
	}
}

// TestDeathSettingAside: rows that cannot be set aside keep the file in work.
func TestDeathSettingAside(t *testing.T) {
	o := newOffice(t, settings)
	aside := filepath.Join(o.dir, "drop", "error")
	if err := errors.Join(os.Remove(aside), o.drop("liste.csv", "Vorgang;Betrag;Name\n1;1;A\n2;viel;B\n")); err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	source, err := o.source() // makes the directory
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(aside), os.WriteFile(aside, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- source.Run(ctx, in) }()
	o.await(t, func() bool { return len(o.files("work/.*.zeilen.tmp")) == 1 })
	cancel()
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(aside); err != nil {
		t.Fatal(err)
	}
	o.play(t, in, o.done(1))
	if reports, err := o.reports(); len(reports) != 1 || len(in.Events()) != 1 || err != nil {
		t.Errorf("%v %v, %d events", reports, err, len(in.Events()))
	}
}
