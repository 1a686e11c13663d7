package eakte_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/eakte"
	"github.com/amtsbote/amtsbote/hub"
)

func deliver(t *testing.T, sink hub.Sink, d hub.Delivery) {
	t.Helper()
	if err := sink.Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// Two events of a case and one of another: one file, two procedures, three Eingänge, in
// the tree of 1.2.5 (File, Procedure, Incoming, ContentObject), and the answers to it.
func TestFiled(t *testing.T) {
	for _, form := range []bool{true, false} {
		o := newOffice(t)
		o.sim.Yaml = form
		sink, in := o.newSink(t), adaptertest.NewIntake()
		for n, vorgang := range []string{"a", "a", "b"} {
			deliver(t, sink, delivery(n, filed(n, vorgang, "x")))
		}
		if got := o.state(); got != "1 2 3 9" {
			t.Fatalf("the E-Akte has %s", got)
		}
		file, first := o.sim.Objects("files")[0], o.sim.Objects("incomings")[0]
		if file.In != plan || file.Fields["shortname"] != "Proben 2026 x" || first.Fields["foreignnr"] != filed(0, "a", "x").ID() ||
			!strings.HasPrefix(first.Fields["shortname"], "Eingang vom 02.03.2026 [Amtsbote-") || first.Fields["delivery"] != "2026-03-02T08:15:00Z" {
			t.Errorf("%+v %+v", file, first)
		}
		var names []string
		for _, c := range o.sim.Objects("contents")[:3] {
			names = append(names, c.Fields["filename"])
		}
		if got := strings.Join(names, ", "); got != "ereignis.json, Lageplan Zaunkönig.pdf, dokument-3" {
			t.Error(got)
		}
		o.checkAnswers(t, in)
	}
}

func (o *office) checkAnswers(t *testing.T, in *adaptertest.Intake) {
	t.Helper()
	counts := map[string]int{}
	for _, e := range o.answers(t, in, 5) {
		counts[e.Type()]++
		var data struct {
			COO, VorgangCoo, Fremdkennung, Aktenzeichen string
			Inhalte                                     []string
		}
		if err := json.Unmarshal(e.Data(), &data); err != nil {
			t.Fatal(err)
		}
		if e.Type() == eakte.TypeDokument && (len(data.Inhalte) != 3 || data.Fremdkennung != e.Extensions()["causationid"] || data.VorgangCoo == "") ||
			!strings.HasPrefix(data.Aktenzeichen, "0010 A20 011-") || data.COO == "" || !strings.HasPrefix(fmt.Sprint(e.Extensions()["correlationid"]), "fall-") {
			t.Errorf("%s", e)
		}
	}
	if counts[eakte.TypeVorgang] != 2 || counts[eakte.TypeDokument] != 3 {
		t.Error(counts)
	}
	o.discreet(t, in.Events()...)
}

// At every call: the answer is lost after the E-Akte did it, or it is another. Then the
// adapter starts anew: nothing is there twice, and it is answered.
func TestCrashAtEachCall(t *testing.T) {
	for _, art := range []string{"verloren", "429", "typen", "abgeschnitten"} {
		t.Run(art, func(t *testing.T) {
			for call := 0; crashAt(t, art, call); call++ {
				if call > 10 {
					t.Fatal("more calls than expected")
				}
			}
		})
	}
}

func crashAt(t *testing.T, art string, call int) bool {
	t.Helper()
	o := newOffice(t)
	o.order(t, fmt.Sprintf(`{"art":"%s","nach":1,"vorher":%d}`, art, call))
	d := delivery(1, filed(1, "a", "x"))
	err := o.newSink(t).Deliver(t.Context(), d)
	if err == nil {
		return false
	}
	if f := hub.FaultOf(err); f.Permanent || strings.Contains(err.Error(), "Zaunk") || strings.Contains(err.Error(), o.url) {
		t.Errorf("call %d: %v", call, err)
	} else if art == "429" && (!f.Later || f.After == 0) {
		t.Errorf("call %d: Retry-After is not minded: %+v", call, f)
	}
	again := eakte.At(o.newSink(t), later)
	deliver(t, again, d)
	deliver(t, again, d)
	if got := o.state(); got != "1 1 1 3" {
		t.Errorf("call %d: the E-Akte has %s", call, got)
	}
	o.answers(t, adaptertest.NewIntake(), 2)
	return true
}

// The folder of the adapter is lost between two events of a case: the E-Akte is
// searched, and nothing is made twice.
func TestMemoryLost(t *testing.T) {
	o := newOffice(t)
	deliver(t, o.newSink(t), delivery(1, filed(1, "a", "x")))
	if err := os.RemoveAll(filepath.Join(o.dir, "eakte")); err != nil {
		t.Fatal(err)
	}
	sink := o.newSink(t)
	deliver(t, sink, delivery(1, filed(1, "a", "x")))
	deliver(t, sink, delivery(2, filed(2, "a", "x")))
	if got := o.state(); got != "1 1 2 6" {
		t.Error(got)
	}
}

// One at a time works in a file; in two files two may.
func TestOneAtATimeInAFile(t *testing.T) {
	o := newOffice(t)
	sink := o.newSink(t)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if err := sink.Deliver(t.Context(), delivery(n, filed(n, fmt.Sprint(n), "x"))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := o.state(); got != "1 8 8 24" || o.sim.Busiest() != 1 {
		t.Errorf("%s, at most %d at once", got, o.sim.Busiest())
	}
}

// A delivery that waits for the file gives up when its time is over, and leaves the
// file to the others.
func TestWaitingEnds(t *testing.T) {
	o := newOffice(t)
	sink := o.newSink(t)
	blob, entered := &gate{open: make(chan struct{})}, make(chan error, 1)
	blob.reached = make(chan struct{})
	d := delivery(1, filed(1, "a", "x"))
	d.Blobs = blob
	go func() { entered <- sink.Deliver(t.Context(), d) }()
	<-blob.reached
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() { waits <- sink.Deliver(ctx, delivery(2, filed(2, "b", "x"))) }()
	cancel()
	if err := <-waits; err == nil || hub.FaultOf(err).Permanent {
		t.Error(err)
	}
	close(blob.open)
	if err := <-entered; err != nil {
		t.Error(err)
	}
	deliver(t, sink, delivery(2, filed(2, "b", "x")))
}

// gate is a document that comes when it is opened.
type gate struct {
	once          sync.Once
	reached, open chan struct{}
}

func (g *gate) Open(context.Context, string) (io.ReadCloser, error) {
	g.once.Do(func() { close(g.reached) })
	<-g.open
	return io.NopCloser(strings.NewReader("x")), nil
}

// endless is a large document that is never whole in memory.
type endless struct{ size int64 }

func (e endless) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(zeros{}, e.size)), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestDocumentsAreStreamed(t *testing.T) {
	const size = 64 << 20
	o := newOffice(t)
	d := delivery(1, filed(1, "a", "x"))
	d.Blobs = endless{size}
	sink := o.newSink(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	deliver(t, sink, d)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > size/2 {
		t.Errorf("%d MiB were allocated for a document of %d", used>>20, size>>20)
	}
	sum := sha256.New()
	_, _ = io.Copy(sum, io.LimitReader(zeros{}, size))
	if c := o.sim.Objects("contents")[1]; c.Size != size || c.SHA256 != hex.EncodeToString(sum.Sum(nil)) {
		t.Errorf("%d bytes arrived", c.Size)
	}
}

// A document that cannot be read: nothing is filed of the event.
func TestDocumentMissing(t *testing.T) {
	o := newOffice(t)
	d := delivery(1, filed(1, "a", "x"))
	d.Blobs = blobs{"blob:plan": []byte("x")}
	err := o.newSink(t).Deliver(t.Context(), d)
	if f := hub.FaultOf(err); err == nil || !f.Permanent || f.Code != "blob-missing" {
		t.Error(err)
	}
	d.Blobs = torn{}
	if err = o.newSink(t).Deliver(t.Context(), d); err == nil || hub.FaultOf(err).Permanent {
		t.Error(err)
	}
	if got := o.state(); got != "1 1 0 0" {
		t.Error(got)
	}
}

// torn is a document that breaks off.
type torn struct{}

func (torn) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), failing{})), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
