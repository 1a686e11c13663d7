package bus

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

var small = Layout{Trail: 64 << 20, Out: 64 << 20, Quarantine: 64 << 20, Parked: 64 << 20, State: 8 << 20, Blobs: 64 << 20}

// start gives a fresh embedded server with the streams of one organisation.
func start(t *testing.T) (*Bus, *Server) {
	t.Helper()
	orgs := []Organisation{{ID: "lhm", Quota: 16 << 20}}
	s, err := StartEmbedded(Embedded{Dir: t.TempDir(), MaxStore: small.Total(orgs), AllowTemp: true}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	b, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.EnsureStreams(t.Context(), small.Specs(orgs)); err != nil {
		t.Fatal(err)
	}
	return b, s
}

func msgs(subject string, n int) []event.Message {
	out := make([]event.Message, n)
	for i := range out {
		out[i] = event.Message{Subject: subject, Data: []byte("x")}
	}
	return out
}

func TestAppendIsGuarded(t *testing.T) {
	b, _ := start(t)
	cursor := append(msgs("out.cursor.IN_lhm", 1), msgs("out.lhm.kfz.t", 3)...)
	first, err := b.Append(t.Context(), cursor, 0)
	if err != nil || first != 1 {
		t.Fatalf("Append = %d, %v; want 1, nil", first, err)
	}
	if _, err := b.Append(t.Context(), cursor, 0); !errors.Is(err, ErrFenced) {
		t.Fatalf("a repeated batch gave %v, want ErrFenced", err)
	}
	if n, _ := b.LastSeq(t.Context(), Out); n != 4 {
		t.Fatalf("after a refused batch OUT ends at %d, want 4: it must be refused whole", n)
	}
	next, err := b.Append(t.Context(), cursor, first)
	if err != nil || next != 5 {
		t.Fatalf("next Append = %d, %v; want 5, nil", next, err)
	}
	if _, err := b.Append(t.Context(), msgs("out.cursor.IN_lhm", 1), next); err != nil {
		t.Fatalf("a batch of just the cursor: %v", err)
	}
}

func TestAppendFillsAWholeBatch(t *testing.T) {
	b, _ := start(t)
	first, err := b.Append(t.Context(), msgs("trail.decision.IN_lhm.00", MaxBatch), 0)
	if err != nil || first != 1 {
		t.Fatalf("Append of %d = %d, %v", MaxBatch, first, err)
	}
	if _, err := b.Append(t.Context(), msgs("trail.decision.IN_lhm.00", MaxBatch+1), 1000); err == nil {
		t.Fatal("a batch beyond the server's limit was not refused")
	}
}

func TestStreamFullIsSaid(t *testing.T) {
	b, _ := start(t)
	var err error
	for range 200 {
		if _, err = b.Publish(t.Context(), event.Message{Subject: "in.lhm.x.t", Data: bytes.Repeat([]byte("x"), 512<<10)}); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrStreamFull) {
		t.Fatalf("filling the in stream ended with %v, want ErrStreamFull", err)
	}
}

func TestDriftIsRefusedWithADiff(t *testing.T) {
	b, _ := start(t)
	orgs := []Organisation{{ID: "lhm", Quota: 17 << 20}, {ID: "neu", Quota: 1 << 20}}
	err := b.EnsureStreams(t.Context(), small.Specs(orgs))
	drifts, ok := errors.AsType[DriftError](err)
	if !ok || len(drifts) != 2 {
		t.Fatalf("EnsureStreams with another quota = %v, want two drifts", err)
	}
	if want := "stream IN_lhm: max bytes is 16777216, must be 17825792"; !strings.Contains(err.Error(), want) {
		t.Errorf("the diff lacks %q:\n%v", want, err)
	}
	if _, err := b.LastSeq(t.Context(), "IN_neu"); err == nil {
		t.Error("a stream was made although the start was refused")
	}
}

func TestWorkIsInSequenceAfterReset(t *testing.T) {
	b, _ := start(t)
	for range 20 {
		if _, err := b.Publish(t.Context(), msgs("in.lhm.x.t", 1)[0]); err != nil {
			t.Fatal(err)
		}
	}
	w, err := b.Work(t.Context(), "IN_lhm", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if got := take(t, w, 20); got[0] != 1 || got[19] != 20 {
		t.Fatalf("first pass gave %v", got)
	}
	if err := w.Reset(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	if got := take(t, w, 13); got[0] != 8 || got[12] != 20 {
		t.Fatalf("after the reset came %v, want 8 to 20", got)
	}
}

// TestWorkKeepsCount: what was taken counts until it is done with: kept through any number of
// batches, and then free; at the end nothing is held.
func TestWorkKeepsCount(t *testing.T) {
	b, _ := start(t)
	var each atomic.Int64
	for range 6 {
		m := msgs("in.lhm.x.t", 1)[0]
		if _, err := b.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	w, err := b.Work(t.Context(), "IN_lhm", func(m *event.Message) { each.Store(sizeOf(m)) })
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for i, c := range []struct {
		do          func()
		kept, given int64
	}{
		{func() {}, 0, 1},
		{w.Keep, 1, 1},
		{func() {}, 1, 1}, // the second one is done with, the first one still in use
		{w.Keep, 2, 1},
		{w.Free, 0, 1},
	} {
		c.do()
		take(t, w, 1)
		if size := each.Load(); w.kept != c.kept*size || w.given != c.given*size {
			t.Fatalf("step %d: %d kept and %d given, want %d and %d times %d", i, w.kept, w.given, c.kept, c.given, size)
		}
	}
	w.Stop()
	if all := max(b.ahead.bytes/8, maxIn); !w.own.TryAcquire(all) || !b.ahead.sem.TryAcquire(b.ahead.bytes) {
		t.Error("something is held at the end")
	}
}

func take(t *testing.T, w *Work, n int) []uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var seqs []uint64
	for len(seqs) < n {
		batch, err := w.Next(ctx, n-len(seqs), time.Hour)
		if err != nil {
			t.Fatalf("after %v: %v", seqs, err)
		}
		for _, m := range batch {
			seqs = append(seqs, m.Seq)
		}
	}
	return seqs
}

// TestPatience: Next comes back with nothing when its patience ends, and that of an earlier one
// ends no NextWhile.
func TestPatience(t *testing.T) {
	b, _ := start(t)
	w, err := b.Work(t.Context(), "IN_lhm", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if batch, err := w.Next(t.Context(), 1, time.Millisecond); len(batch) > 0 || err != nil {
		t.Fatal(batch, err)
	}
	if _, err := b.Publish(t.Context(), msgs("in.lhm.x.t", 1)[0]); err != nil {
		t.Fatal(err)
	}
	take(t, w, 1)
	if w.late.Stop() {
		t.Error("the patience of a Next that gave something runs on")
	}
	until := make(chan struct{})
	close(until)
	if batch, err := w.NextWhile(t.Context(), 2, 1, until); len(batch) > 0 || err != nil {
		t.Errorf("%d, %v", len(batch), err)
	}
}

func TestReadEnds(t *testing.T) {
	b, _ := start(t)
	read := func(from uint64, filters ...string) (n int) {
		t.Helper()
		if err := b.Read(t.Context(), Trail, from, filters, func(*event.Message) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := read(1); n != 0 {
		t.Fatalf("an empty stream gave %d messages", n)
	}
	if _, err := b.Append(t.Context(), append(msgs("trail.cursor.x", 1), msgs("trail.decision.x.00", 10)...), 0); err != nil {
		t.Fatal(err)
	}
	if n := read(1); n != 11 {
		t.Errorf("all: %d, want 11", n)
	}
	if n := read(5, "trail.decision.>"); n != 7 {
		t.Errorf("from 5: %d, want 7", n)
	}
	if n := read(12); n != 0 {
		t.Errorf("behind the end: %d, want 0", n)
	}
	if n := read(1, "trail.delivery.>"); n != 0 {
		t.Errorf("a filter without messages: %d, want 0", n)
	}
}

func TestBlobsAreNamedByTheirContent(t *testing.T) {
	b, _ := start(t)
	blobs, err := b.EnsureBlobs(t.Context(), small.Blobs, 1)
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("Meldeschein ", 100_000)
	first, err := blobs.Put(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	second, err := blobs.Put(t.Context(), strings.NewReader(content))
	if err != nil || first != second {
		t.Fatalf("the same bytes got %v and %v (%v)", first, second, err)
	}
	r, err := blobs.Open(t.Context(), first.Ref)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if got, err := io.ReadAll(r); err != nil || string(got) != content {
		t.Fatalf("read back %d bytes, %v", len(got), err)
	}
	if _, err := blobs.Open(t.Context(), "blob:none"); err == nil {
		t.Error("an unknown blob opened")
	}
	if n, err := blobs.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v: nothing was left unfinished", n, err)
	}
	theirs, fresh, err := blobs.PutFor(t.Context(), "lhm", strings.NewReader(content))
	if err != nil || !fresh || theirs.Ref == first.Ref || theirs.SHA256 != first.SHA256 {
		t.Errorf("of another owner: %v, fresh %v, %v", theirs, fresh, err)
	}
	again, err := b.EnsureBlobs(t.Context(), small.Blobs, 1) // after a restart
	if err != nil {
		t.Fatal(err)
	}
	if third, err := again.Put(t.Context(), strings.NewReader(content)); err != nil || third != first {
		t.Errorf("after a restart %v, was %v (%v)", third, first, err)
	}
}

// TestBlobsSweep: what a Put left that ended anywhere is removed, and nothing that has
// its name.
func TestBlobsSweep(t *testing.T) {
	b, _ := start(t)
	blobs, err := b.EnsureBlobs(t.Context(), small.Blobs, 1)
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("x", 300_000)
	kept, err := blobs.Put(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	gone, end := context.WithCancel(t.Context())
	end() // who asked is gone already: it ends with the reader, not with the request
	if ref, err := blobs.Put(gone, strings.NewReader(content)); err != nil || ref != kept {
		t.Errorf("put for who is gone: %v %v", ref, err)
	}
	if _, err := blobs.Put(gone, io.MultiReader(strings.NewReader(content), broken{})); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that breaks: %v", err)
	}
	if n, err := blobs.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("a reader that broke left %d, %v", n, err)
	}
	// a Put that ended before its bytes had a name, and one that ended between the two
	// steps of naming
	if _, err := blobs.store.Put(t.Context(), jetstream.ObjectMeta{Name: unfinished + "1"}, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	info, err := blobs.store.GetInfo(t.Context(), strings.TrimPrefix(kept.Ref, blobPrefix))
	if err != nil {
		t.Fatal(err)
	}
	info.Name = unfinished + "2"
	raw, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	for subject, data := range map[string][]byte{
		"M." + base64.URLEncoding.EncodeToString([]byte(info.Name)): raw,
		"C.orphan": []byte("bytes"),
	} {
		if _, err := b.js.Publish(t.Context(), "$O."+blobBucket+"."+subject, data); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := blobs.Sweep(t.Context()); n != 4 || err != nil { // two names, two bytes
		t.Errorf("Sweep = %d, %v", n, err)
	}
	r, err := blobs.Open(t.Context(), kept.Ref)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if got, err := io.ReadAll(r); err != nil || string(got) != content {
		t.Errorf("what has its name is read as %d bytes, %v", len(got), err)
	}
	if n, err := blobs.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("swept, and again %d, %v", n, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestStoreForgets(t *testing.T) {
	b, _ := start(t)
	s, err := b.EnsureStore(t.Context(), small.State, 1)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.Get(t.Context(), "a.b"); v != nil || err != nil {
		t.Fatalf("unknown key = %q, %v", v, err)
	}
	if err := s.Put(t.Context(), "a.b", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if v, _ := s.Get(t.Context(), "a.b"); string(v) != "1" {
		t.Fatalf("got %q", v)
	}
	if err := s.Delete(t.Context(), "a.b"); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Get(t.Context(), "a.b"); v != nil || err != nil {
		t.Fatalf("after Delete = %q, %v", v, err)
	}
}
