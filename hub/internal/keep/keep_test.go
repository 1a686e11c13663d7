package keep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

func done(hub.Delivery) error { return nil }

// TestKeepByType: each type goes when its keep is over, the default for what
// nobody knows, and nothing that is not carried out.
func TestKeepByType(t *testing.T) {
	w := newWorld(t)
	w.begin(script(done))
	odd := hubtest.Event("odd", "de.test.max-mustermann.v1", "k", `{}`)
	for n := range 10 {
		sache := hubtest.Event(fmt.Sprintf("s%d", n), hubtest.Sache, "k", `{"n":1}`)
		w.publish(ding(n, "k"), sache, odd)
	}
	w.carriedOut()
	k := w.keeper(nil)
	w.run(k)
	if d, s, o := w.messages(inAlpha, "in.alpha.app."+hubtest.Ding), w.messages(inAlpha, "in.alpha.app."+hubtest.Sache), w.messages(inAlpha, "in.alpha.app.de.test.max-mustermann.v1"); d != 10 || s != 0 || o != 10 {
		t.Errorf("at once there are %d, %d and %d, want 10, 0 (P0D) and 10", d, s, o)
	}
	removals := func() (out []*decision.Removal) {
		err := w.bus.Read(t.Context(), bus.Trail, 1, []string{"trail.removal." + inAlpha}, func(m *event.Message) error {
			if bytes.Contains(m.Data, []byte("mustermann")) {
				t.Errorf("the sender's words are in the trail: %s", m.Data)
			}
			r, err := trail.ReadRemoval(m)
			out = append(out, r)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if rs := removals(); len(rs) != 1 || len(rs[0].Ranges) != 1 || rs[0].Ranges[0] != (decision.Range{Subject: "in.alpha.app." + hubtest.Sache, From: 2, UpTo: 29, Messages: 10}) {
		t.Errorf("recorded: %+v", rs)
	}
	w.stop() // nobody decides any more
	w.publish(ding(100, "k"))
	w.clock.add(8 * 24 * time.Hour)
	if err := k.released(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.messages(inAlpha, ">"); n != 1 {
		t.Errorf("%d events are left, want the one that nobody has decided about", n)
	}
	if rs := removals(); len(rs) != 2 || len(rs[1].Ranges) != 2 || rs[1].Ranges[1].Subject != decision.Others || rs[1].Ranges[1].Messages != 10 {
		t.Errorf("recorded: %+v", rs)
	}
}

// TestAfterRemoval: everything has gone and the server starts again: duplicates
// are known, new events go their way.
func TestAfterRemoval(t *testing.T) {
	w := newWorld(t)
	w.begin(script(done))
	for n := range 50 {
		w.publish(ding(n, fmt.Sprint("k", n%3)))
	}
	w.carriedOut()
	w.take("beta.two", 50)
	w.take("alpha.post", 50)
	w.await("beta.one", func() bool { return len(w.outcomes()) == 50 })
	w.clock.add(8 * 24 * time.Hour)
	w.await("OUT to be empty", func() bool {
		w.run(w.keeper(nil))
		return w.messages(bus.Out, "out.*.*.>") == 0
	})
	if n := w.messages(inAlpha, ">"); n != 0 {
		t.Errorf("%d events are left in IN_alpha", n)
	}
	if n := w.messages(bus.Out, "out.cursor.*"); n != 2+1 && n != 2 {
		t.Errorf("%d cursors are left in OUT", n)
	}
	for range 2 { // with an empty stream, and with one that has begun again
		w.close()
		w.open()
		w.begin(script(done))
		w.publish(ding(7, "k1"), ding(100, "k1"), ding(101, "k1"))
		w.carriedOut()
		w.run(w.keeper(nil))
	}
	answer, err := explain.Explain(t.Context(), w.bus, "e8")
	if err != nil || len(answer.Events) != 1 || answer.Events[0].Removed.IsZero() {
		t.Errorf("explained: %+v, %v; want it removed", answer.Events[0], err)
	}
	var text strings.Builder
	answer.Print(&text, "de")
	if !strings.Contains(text.String(), "nach Ablauf der Aufbewahrung") {
		t.Errorf("printed as %s", &text)
	}
	ds := w.decisions()
	if len(ds) != 56 || ds[51].Outcome != hub.Suppressed || ds[52].Outcome != hub.Routed || ds[54].Outcome != hub.Suppressed || ds[55].Outcome != hub.Suppressed {
		t.Errorf("decided: %d, then %+v %+v", len(ds), ds[51], ds[52])
	}
	w.await("the new ones", func() bool { return len(w.outcomes()) == 52 })
}

// TestMarker: what was removed stands in no file any more.
func TestMarker(t *testing.T) {
	const marker = "Zyxwvutsrqponmlk"
	w := newWorld(t)
	w.begin(script(func(d hub.Delivery) error {
		if d.Event.Extensions()["correlationid"] == "bad" {
			return hub.Retryable("no-file", "not yet")
		}
		return nil
	}))
	for n := range 40 {
		key := "good"
		if n%4 == 0 {
			key = "bad"
		}
		w.publish(hubtest.Event(fmt.Sprintf("e%d", n), hubtest.Ding, key, fmt.Sprintf(`{"n":%d,"text":"%s"}`, n, marker)))
	}
	w.carriedOut()
	w.take("beta.two", 40)
	w.await("the bad key to be parked", func() bool { return w.messages(bus.Parked, "parked.beta.one.out.*") == 10 })
	w.clock.add(8 * 24 * time.Hour)
	k := w.keeper(nil)
	w.await("all to be removed", func() bool {
		w.run(k)
		return w.messages(bus.Out, "out.beta.>")+w.messages(inAlpha, ">")+w.messages(bus.Parked, "parked.*.*.out.*") == 0
	})
	expired := 0
	for _, results := range w.outcomes() {
		if results[0] == decision.Expired {
			expired++
		}
	}
	if expired != 10 || w.messages(bus.Out, "out.alpha.post.>") != 50 {
		t.Errorf("%d copies expired, %d receipts; want 10 and 40+10", expired, w.messages(bus.Out, "out.alpha.post.>"))
	}
	for _, stream := range []string{inAlpha, bus.Out, bus.Trail, bus.Quarantine, bus.Parked} {
		err := w.bus.Read(t.Context(), stream, 1, nil, func(m *event.Message) error {
			if bytes.Contains(m.Data, []byte(marker)) {
				t.Errorf("%s %d holds the marker", stream, m.Seq)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.close()
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(marker)) {
			t.Errorf("%s holds the marker", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReceipt: the sender's receipt is valid, and says who did not take what.
func TestReceipt(t *testing.T) {
	w := newWorld(t)
	w.begin(nil)
	w.publish(ding(1, "k"))
	w.carriedOut()
	w.clock.add(13 * time.Hour) // PT12H for beta.two, P1D for beta.one
	w.run(w.keeper(nil))
	page, err := w.bus.Page(t.Context(), bus.Out, "out.alpha.post.de.amtsbote.ereignis-verfallen.v1", 0, 10)
	if err != nil || len(page) != 1 {
		t.Fatalf("%d receipts: %v", len(page), err)
	}
	var doc any
	if err := json.Unmarshal(page[0].Data, &doc); err != nil {
		t.Fatal(err)
	}
	schema, ok := w.fed.Schemas.Lookup("de.amtsbote.ereignis-verfallen.v1")
	if !ok {
		t.Fatal("there is no schema")
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%v: %s", err, page[0].Data)
	}
	got := doc.(map[string]any) //nolint:errcheck // valid
	if fmt.Sprintf("%v %v", got["empfaenger"], got["vorgang"]) != "map[fachverfahren:beta.two regel:ding-zwei] k" || page[0].Get("ce-causationid") != "e1" {
		t.Errorf("%s with %v", page[0].Data, page[0].Header)
	}
	answer, err := explain.Explain(t.Context(), w.bus, "e1")
	if err != nil || len(answer.Events) != 1 || !answer.Events[0].Removed.IsZero() {
		t.Fatalf("%+v, %v", answer, err)
	}
	if d := answer.Events[0].Delivery("beta.two"); d == nil || d.Result != decision.Expired {
		t.Errorf("explained as %+v", d)
	}
	if n := w.messages(bus.Out, "out.beta.one.>"); n != 1 {
		t.Errorf("the copy whose time is not over: %d", n)
	}
	if n := w.messages(bus.Out, "out.beta.two.>"); n != 0 {
		t.Errorf("the expired copy: %d", n)
	}
}

// TestServerAway: a run that cannot begin says so, and does no more.
func TestServerAway(t *testing.T) {
	w := newWorld(t)
	w.begin(nil)
	k := w.keeper(nil)
	w.close()
	if err := k.Once(t.Context()); err == nil {
		t.Error("removed without a server")
	}
}
