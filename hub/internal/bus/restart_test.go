package bus

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestDamagedStreamIsLeftAlone: a stream that holds messages and cannot be
// recovered is not made anew.
func TestDamagedStreamIsLeftAlone(t *testing.T) {
	cfg := Embedded{Dir: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true}
	specs := []StreamSpec{{Name: Out, Subjects: []string{"out.>"}, MaxBytes: 1 << 20, MaxMsg: 1 << 10, Replicas: 1}}
	s, b := started(t, cfg, specs)
	if _, err := b.Publish(t.Context(), event.Message{Subject: "out.a", Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	s.Stop()
	if err := os.Truncate(filepath.Join(StreamDir(cfg.Dir, Out), "meta.inf"), 0); err != nil {
		t.Fatal(err)
	}
	s, err := StartEmbedded(cfg, zap.NewNop())
	if _, damaged := errors.AsType[DamagedError](err); !damaged {
		t.Errorf("got %v, want the damaged stream named", err)
	}
	if err == nil {
		s.Stop()
	}
}

// TestUnfinishedStreamIsMadeAgain: what a power failure left of a stream that
// never held anything does not keep the hub from starting.
func TestUnfinishedStreamIsMadeAgain(t *testing.T) {
	cfg := Embedded{Dir: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true}
	specs := []StreamSpec{{Name: Out, Subjects: []string{"out.>"}, MaxBytes: 1 << 20, MaxMsg: 1 << 10, Replicas: 1}}
	s, b := started(t, cfg, nil)
	dir := s.streamDir(Out)
	b.Close()
	s.Stop()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "meta.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, b = started(t, cfg, specs)
	defer s.Stop()
	defer b.Close()
	if _, err := b.Publish(t.Context(), event.Message{Subject: "out.a"}); err != nil {
		t.Error(err)
	}
}

// TestRestart: the hub's own connection and what is stored survive.
func TestRestart(t *testing.T) {
	specs := []StreamSpec{{Name: Out, Subjects: []string{"out.>"}, MaxBytes: 1 << 20, MaxMsg: 1 << 10, Replicas: 1}}
	s, b := started(t, Embedded{Dir: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true, Listen: "127.0.0.1:0"}, specs)
	defer s.Stop()
	defer b.Close()
	url := s.URL()
	if _, err := b.Publish(t.Context(), event.Message{Subject: "out.a"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if s.URL() != url {
		t.Errorf("it listens on %s, before on %s", s.URL(), url)
	}
	var seq uint64
	var err error
	for seq == 0 && t.Context().Err() == nil {
		seq, err = b.Publish(t.Context(), event.Message{Subject: "out.a"})
	}
	if seq < 2 {
		t.Errorf("the next message got sequence %d: %v", seq, err)
	}
}

func started(t *testing.T, cfg Embedded, specs []StreamSpec) (*Server, *Bus) {
	t.Helper()
	s, err := StartEmbedded(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.EnsureStreams(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	return s, b
}
