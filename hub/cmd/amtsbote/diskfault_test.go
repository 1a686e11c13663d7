package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// faultEvents are more than fit on the disk that is made full, many times over.
const faultEvents = 1500

// TestDiskFull takes the disk's room away while events come in: nothing more is
// acknowledged, nothing acknowledged is lost, and when there is room again the
// hub goes on by itself, in the same process.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	notRaced(t)
	d := mount(t, buildDisk(t))
	h := newHost(t, buildHub(t), filepath.Join(d.dir, "data"))
	seed := chaosSeed(t)
	r := rand.New(rand.NewPCG(seed, 1))
	pub, done := faultRun(t, h, seed)
	pub.waitAcked(100 + r.IntN(300))
	d.fill(int64(r.IntN(128 << 10))) // the events that are left do not fit into IN_alpha alone
	h.waitLog("the disk is full")
	refused(t, pub)
	d.free()
	<-done
	if !strings.Contains(h.lines(), "there is room again") {
		t.Error("the hub did not say that it goes on")
	}
	h.waitSettled()
	checkOutcomes(t, h, pub)
}

// TestDiskError has writes, or only syncs, fail for a while. The hub does not
// write on by itself on a disk whose state it does not know; after a restart,
// and what was not synced dropped, everything acknowledged is there.
func TestDiskError(t *testing.T) {
	t.Parallel()
	notRaced(t)
	lazyfs, hub := buildDisk(t), buildHub(t)
	for _, what := range []string{"write", "fsync"} {
		t.Run(what, func(t *testing.T) {
			d := mount(t, lazyfs)
			h := newHost(t, hub, filepath.Join(d.dir, "data"))
			seed := chaosSeed(t)
			r := rand.New(rand.NewPCG(seed, 1))
			pub, done := faultRun(t, h, seed)
			pub.waitAcked(100 + r.IntN(300))
			d.must("/eio?what=" + what)
			h.waitLog("the store cannot be written")
			d.must("/eio?what=off")
			refused(t, pub)
			h.kill()
			d.fail(r.IntN(2) == 0)
			h.start()
			<-done
			h.waitSettled()
			checkOutcomes(t, h, pub)
		})
	}
}

func faultRun(t *testing.T, h *host, seed uint64) (pub *publisher, done chan struct{}) {
	t.Helper()
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	pub = newPublisher(t, h, seed, faultEvents, 32)
	pub.timeout = 500 * time.Millisecond
	done = make(chan struct{})
	go func() {
		defer close(done)
		pub.publishAll()
	}()
	return pub, done
}

// refused waits until publishers get no acknowledgement any more. One stream may
// have no room for its batch while another still has some for one event.
func refused(t *testing.T, pub *publisher) {
	t.Helper()
	eventually(t, "two seconds without an acknowledgement", func() error {
		before := pub.count()
		<-time.After(2 * time.Second)
		if n := pub.count() - before; n > 0 {
			return fmt.Errorf("%d events were acknowledged", n)
		}
		return nil
	})
	if pub.count() == faultEvents {
		t.Error("all events were acknowledged by a store that cannot be written")
	}
}

func (h *host) waitLog(line string) {
	h.t.Helper()
	eventually(h.t, "the hub to say: "+line, func() error {
		if !strings.Contains(h.lines(), line) {
			return errors.New("not yet")
		}
		return nil
	})
}
