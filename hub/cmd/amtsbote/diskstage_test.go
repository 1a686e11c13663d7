package main

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestStagingDiskFull leaves room for one more event and not for the batch of its
// decision. No stream has met the full disk then: the hub says that it is full,
// and goes on in the same server when there is room. (Before the hub has noticed that
// room is scarce it may meet the full disk in a stream: see TestDiskFull.)
func TestStagingDiskFull(t *testing.T) {
	t.Parallel()
	notRaced(t)
	d := mount(t, buildDisk(t))
	h := newHost(t, buildHub(t), filepath.Join(d.dir, "data"))
	seed := chaosSeed(t)
	r := rand.New(rand.NewPCG(seed, 1))
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	_, js := h.connect()
	publish := func(id string) uint64 {
		e := hubtest.Event(id, hubtest.Ding, "k", `{"n":1}`)
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: e.Subject, Header: e.Header, Data: e.Data})
		if err != nil {
			t.Fatalf("%s was not stored: %v", id, err)
		}
		return ack.Sequence
	}
	h.waitDecided(publish("before"))
	h.waitCursors("TRAIL", "OUT", "QUARANTINE", "PARKED") // all lanes are idle: only the event takes room
	room := int64(500 + r.IntN(200))
	d.fill(room)
	h.waitLog(`"little":true`) // from then on it stages everything
	d.fill(room)               // the server's notes of its consumers took room meanwhile
	seq := publish("waits")
	h.waitLog("the disk is full")
	d.free()
	h.waitDecided(seq)
	h.waitCursors("TRAIL", "OUT")
	if log := h.lines(); strings.Contains(log, "started anew") || strings.Count(log, "the disk is full") != 1 {
		t.Error("the server was started anew, or the disk's fullness was told more than once")
	}
	h.waitLog("there is room again: the hub goes on")
	copies := 0
	for _, box := range []string{"beta_one", "beta_two"} {
		cons, err := js.Consumer(t.Context(), "OUT", box)
		if err != nil {
			t.Fatal(err)
		}
		copies += int(cons.CachedInfo().NumPending)
	}
	if copies != 4 {
		t.Errorf("%d copies of two events, want 4", copies)
	}
}
