package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

const (
	soakRate  = 100 // events a second
	soakKeys  = 32
	soakShort = 8 * time.Second // without AMTSBOTE_SOAK
)

// soak is a long run: load, and everything that happens to a hub.
type soak struct {
	t         *testing.T
	r         *rand.Rand
	h         *host
	pub       *publisher
	stored    *stored
	receivers []*receiver
	commit    string // that the hub was built from
	poisoned  int
	count     map[string]int // of what was done to the hub
	sizes     []sizes
}

// TestSoak keeps the hub under load for AMTSBOTE_SOAK (a duration; `task soak`),
// poison first in its queue, and kills it, restarts it, and reloads a changed
// federation directory meanwhile, while one receiver is slow and one fails. It
// checks all along, and exactly at the end.
func TestSoak(t *testing.T) {
	length := soakShort
	if d := os.Getenv("AMTSBOTE_SOAK"); d != "" {
		var err error
		if length, err = time.ParseDuration(d); err != nil {
			t.Fatalf("AMTSBOTE_SOAK: %v", err)
		}
	}
	seed := chaosSeed(t)
	s := &soak{t: t, commit: commit(), r: rand.New(rand.NewPCG(seed, 1)), h: newHost(t, buildHub(t), ""), stored: newStored(), count: map[string]int{}}
	s.h.start()
	s.up()
	began := time.Now()
	s.pub = newPublisher(t, s.h, seed, int(length.Seconds()*soakRate), soakKeys)
	defer func() { s.report(seed, time.Since(began)) }() // also when it fails
	s.pub.within(length + patience)
	s.pub.timeout = time.Second
	beat := time.NewTicker(time.Second / soakRate)
	defer beat.Stop()
	s.pub.pace = beat.C
	s.receivers = []*receiver{receive(t, s.h, "beta.one", slow), receive(t, s.h, "beta.two", failing(seed))}
	s.poison()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.pub.publishAll()
	}()
	for time.Since(began) < length && !t.Failed() {
		s.step()
	}
	s.pub.stop()
	<-done
	s.finish()
}

// step waits a moment, does one thing to the hub, and checks.
func (s *soak) step() {
	<-time.After(time.Second + time.Duration(s.r.Int64N(int64(3*time.Second))))
	switch x := s.r.IntN(10); {
	case x < 4:
		s.did("kills")
		s.h.kill()
		s.h.start()
		if s.r.IntN(3) == 0 { // once more while it starts
			<-time.After(time.Duration(s.r.Int64N(int64(startUp))))
			s.did("kills")
			s.h.kill()
			s.h.start()
		}
		s.up()
	case x < 6:
		s.did("restarts")
		s.h.stop()
		s.h.start()
		s.up()
		s.poison()
	default:
		s.did("reloads")
		s.change()
	}
	s.look()
}

func (s *soak) did(what string) { s.count[what]++ }

func (s *soak) up() {
	s.t.Helper()
	if !s.h.comesUp() {
		s.t.Fatalf("the hub did not come up again: %v", s.h.err)
	}
}

// change has the hub reload the directory, one type more or less in it.
func (s *soak) change() {
	s.t.Helper()
	schema, agreement := filepath.Join(s.h.fed, "schemas", hubtest.Sache), filepath.Join(s.h.fed, "agreements", "sache-eins.yaml")
	if _, err := os.Stat(schema); err != nil {
		hubtest.AddSache(s.t, s.h.fed)
	} else {
		for _, path := range []string{schema, agreement} {
			if err := os.RemoveAll(path); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if err := s.h.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
}

// poison sends events that each break something on their way.
func (s *soak) poison() {
	s.t.Helper()
	nc, js := s.h.connect()
	defer nc.Close()
	for _, data := range poison {
		// no two are the same: of some not even the id can be read
		sendOne(s.t, js, fmt.Sprintf("poison-%d", s.poisoned), data+strings.Repeat(" ", s.poisoned))
		s.poisoned++
	}
}

// look reads on and checks what must hold at any time: nothing acknowledged is
// missing or was decided otherwise than it must be.
func (s *soak) look() {
	s.t.Helper()
	fresh, last := s.pub.fresh()
	s.h.waitDecided(last)
	s.stored.read(s.t, s.h)
	for seq, e := range fresh {
		d := s.stored.decisions[seq]
		if d == nil || d.ID != e.id || string(d.Outcome) != e.want && d.Outcome != hub.Suppressed {
			s.t.Errorf("%s, acknowledged at %d, must be %s; the trail has %+v", e.id, seq, e.want, d)
		}
	}
	s.sizes = append(s.sizes, s.h.sizes())
}

// finish lets the hub settle everything and checks exactly.
func (s *soak) finish() {
	s.t.Helper()
	s.h.waitSettled()
	s.stored.read(s.t, s.h)
	s.stored.check(s.t, s.pub)
	s.sizes = append(s.sizes, s.h.sizes())
	for _, r := range s.receivers {
		r.waitFor(s.stored.copies)
	}
}
