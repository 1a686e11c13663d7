package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// Streams that a run looks at; the plain system has the first two.
const (
	inStream         = "IN_amt"
	outStream        = "OUT"
	quarantineStream = "QUARANTINE"
	trailStream      = "TRAIL"
)

// removeEvery is how often the hub removes: once while the latency is measured.
const removeEvery = "20s"

// system is what is measured.
type system string

const (
	plain  system = "plain"
	hub    system = "hub"
	hubCut system = "hub, one receiver cut" // one receiver of each event gets some of its fields
)

// load is the work of a run.
type load struct {
	synced bool
	size   int // bytes of a payload
	events int // that lie in the in stream when the system starts
	rate   int // events a second after that, for the latency; 0: none
	paced  time.Duration
}

func (l load) String() string {
	return fmt.Sprintf("%s, %d KB", map[bool]string{true: "synced", false: "unsynced"}[l.synced], l.size/1000)
}

// run is one run: a server and a system of its own, in a folder of its own.
type run struct {
	t      *testing.T
	bin    string // the hub's binary
	dir    string
	system system
	load   load
	open   bool // the hub has a door for HTTP, and the limits there are high
	user   string
	corpus *corpus
	server *natsServer
	js     jetstream.JetStream
	proc   *process
}

// result of a run.
type result struct {
	rate             float64       // events a second
	own, server      time.Duration // CPU for 100 000 events
	peak, serverPeak float64       // MB
	others           float64       // share of the machine that others used
	p50, p99         time.Duration
	pacedOthers      float64
	batches          int // that the hub made of the events
}

func (r *result) cpu() time.Duration { return r.own + r.server }

// measure runs a system under a load.
func measure(t *testing.T, bin string, s system, l load) result {
	t.Helper()
	r := &run{t: t, bin: bin, dir: t.TempDir(), system: s, load: l, corpus: newCorpus(l.size)}
	defer func() { _ = os.RemoveAll(r.dir) }() // before the next run, not only at the end
	r.user = user(t, r.dir)
	r.fill()
	r.serve(l.synced)
	r.launch()
	res := r.drain()
	if l.rate > 0 {
		r.pace(&res)
	}
	_, res.peak = memory(r.proc.pid())
	_, res.serverPeak = memory(r.server.pid())
	r.proc.stop()
	r.verify()
	if s != plain {
		res.batches = int(r.info(trailStream).State.LastSeq) - r.count(trailStream, "trail.decision.>")
	}
	r.server.stop()
	return res
}

// serve starts the server and connects to it.
func (r *run) serve(synced bool) {
	r.t.Helper()
	r.server = startNATS(r.t, r.dir, r.user, synced)
	nc, js, err := connect(r.server.url, seedFile(r.dir), jetstream.WithPublishAsyncMaxPending(1024))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(nc.Close)
	r.js = js
}

// fill stores the events before the system starts. That is not measured, so the
// server syncs nothing meanwhile.
func (r *run) fill() {
	r.t.Helper()
	r.serve(false)
	if r.system == plain {
		makePlainStreams(r.t, r.js)
	} else {
		writeFederation(r.t, filepath.Join(r.dir, "fed"), r.system == hubCut, r.open)
		r.launch()
		r.proc.says("Amtsbote serves")
		r.proc.stop()
	}
	for i := range r.load.events {
		r.publish(i)
	}
	<-r.js.PublishAsyncComplete()
	r.server.stop()
}

func (r *run) publish(i int) {
	if _, err := r.js.PublishMsgAsync(r.corpus.event(i), jetstream.WithStallWait(20*time.Second)); err != nil {
		r.t.Fatal(err)
	}
}

// launch starts the system on the server.
func (r *run) launch() {
	r.t.Helper()
	log := filepath.Join(r.dir, "system.log")
	if r.system == plain {
		r.proc = again(r.t, log, "plain", "AMTSBOTE_BENCH_URL="+r.server.url, "AMTSBOTE_BENCH_SEED="+seedFile(r.dir))
		return
	}
	args := []string{
		"serve", filepath.Join(r.dir, "fed"), "--data", r.data(),
		"--nats", r.server.url, "--nats-nkey", seedFile(r.dir), "--remove-every", removeEvery,
		"--nats-monitor", r.server.monitor, "--nats-accept", "no-accounts", // the bench is alone with it
	}
	if !r.server.synced {
		args = append(args, "--nats-accept", "unsynced")
	}
	if r.open {
		args = append(args, "--http", "127.0.0.1:0")
	}
	if profiles() != "" {
		args = append(args, "--profile", profiles())
	}
	r.proc = start(r.t, log, nil, r.bin, args...)
}

func (r *run) data() string { return filepath.Join(r.dir, "data") }

// drain waits until all events are through. Time runs from the first to the last
// message that comes out, by the server's own clock; so neither starting nor
// asking is in it.
func (r *run) drain() result {
	r.t.Helper()
	r.outputs(1)
	others := watchOthers(r.proc.pid(), r.server.pid())
	own, server := cpuOf(r.proc.pid()), cpuOf(r.server.pid())
	copies, refused := expected(r.load.events, r.system == plain)
	last := r.outputs(copies + refused)
	if r.system == plain {
		r.acknowledged()
	}
	per := 100_000 / float64(r.load.events)
	return result{
		rate:   float64(r.load.events) / last.Sub(r.begun()).Seconds(),
		own:    time.Duration(float64(cpuOf(r.proc.pid())-own) * per),
		server: time.Duration(float64(cpuOf(r.server.pid())-server) * per),
		others: others.share(),
	}
}

// outputs waits until so many messages have come out, and tells when the last one was stored.
func (r *run) outputs(want int) (last time.Time) {
	r.t.Helper()
	stalled, before := time.Now(), -1
	for {
		var n int
		if n, last = r.out(); n >= want {
			return last
		}
		if n != before {
			stalled, before = time.Now(), n
		}
		if time.Since(stalled) > 30*time.Second {
			log, _ := os.ReadFile(r.proc.log)
			r.t.Fatalf("%s, %v: it stands still at %d of %d\n%s", r.system, r.load, n, want, log[max(0, len(log)-4000):])
		}
		select {
		case <-r.proc.ended:
			log, _ := os.ReadFile(r.proc.log)
			r.t.Fatalf("%s, %v: it has ended\n%s", r.system, r.load, log)
		case <-time.After(20 * time.Millisecond): // asking costs the server, too
		}
	}
}

// outcomes are where the system's work lies, cursors left out.
func (r *run) outcomes() map[string]string {
	out := map[string]string{outStream: "out.ziel.>"}
	if r.system != plain {
		out[quarantineStream] = "quarantine.amt.>"
	}
	return out
}

// out tells how many outcomes there are, and when the streams were last written to.
func (r *run) out() (n int, last time.Time) {
	r.t.Helper()
	for stream, subject := range r.outcomes() {
		info := r.info(stream, jetstream.WithSubjectFilter(subject))
		for _, count := range info.State.Subjects {
			n += int(count)
		}
		if s := info.State; s.Msgs > 0 && s.LastTime.After(last) {
			last = s.LastTime
		}
	}
	return n, last
}

// begun tells when the first outcome was stored. The first message of a stream may be a cursor,
// far older: of the hub that made the streams, before the events were there.
func (r *run) begun() (first time.Time) {
	r.t.Helper()
	for stream, subject := range r.outcomes() {
		s, err := r.js.Stream(r.t.Context(), stream)
		if err != nil {
			r.t.Fatal(err)
		}
		m, err := s.GetMsg(r.t.Context(), 1, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			r.t.Fatal(err)
		}
		if first.IsZero() || m.Time.Before(first) {
			first = m.Time
		}
	}
	return first
}

func (r *run) info(stream string, opts ...jetstream.StreamInfoOpt) *jetstream.StreamInfo {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	s, err := r.js.Stream(ctx, stream)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(opts) == 0 {
		return s.CachedInfo()
	}
	info, err := s.Info(ctx, opts...)
	if err != nil {
		r.t.Fatal(err)
	}
	return info
}

// acknowledged waits until the plain system has acknowledged everything: that
// belongs to its work.
func (r *run) acknowledged() {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		cons, err := r.js.Consumer(r.t.Context(), inStream, "plain")
		if err != nil {
			r.t.Fatal(err)
		}
		if i := cons.CachedInfo(); i.NumAckPending == 0 && i.NumPending == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatal("the plain system does not acknowledge")
		}
		<-time.After(2 * time.Millisecond)
	}
}

// verify compares what lies in the streams with what must.
func (r *run) verify() {
	r.t.Helper()
	n := r.load.events + r.pacedEvents()
	copies, refused := expected(n, r.system == plain)
	var errs []error
	if got := r.count(outStream, "out.ziel.>"); got != copies {
		errs = append(errs, fmt.Errorf("%d copies, want %d", got, copies))
	}
	if r.system != plain {
		if got := r.count(quarantineStream, "quarantine.amt.>"); got != refused {
			errs = append(errs, fmt.Errorf("%d refused, want %d", got, refused))
		}
		if got := r.decisions(); got != n {
			errs = append(errs, fmt.Errorf("%d decisions, want %d", got, n))
		}
	}
	if err := errors.Join(errs...); err != nil {
		r.t.Errorf("%s, %v: %s", r.system, r.load, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// decisions counts the records of the trail: several may share a message.
func (r *run) decisions() (n int) {
	r.t.Helper()
	cons, err := r.js.OrderedConsumer(r.t.Context(), trailStream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{"trail.decision.>"}})
	if err != nil {
		r.t.Fatal(err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(4096))
	if err != nil {
		r.t.Fatal(err)
	}
	defer it.Stop()
	for left := r.count(trailStream, "trail.decision.>"); left > 0; left-- {
		m, err := it.Next(jetstream.NextContext(r.t.Context()))
		if err != nil {
			r.t.Fatal(err)
		}
		ds, err := trail.ReadDecisions(&event.Message{Subject: m.Subject(), Data: m.Data()})
		if err != nil {
			r.t.Fatal(err)
		}
		n += len(ds)
	}
	return n
}

func (r *run) count(stream, subject string) (n int) {
	r.t.Helper()
	for _, count := range r.info(stream, jetstream.WithSubjectFilter(subject)).State.Subjects {
		n += int(count)
	}
	return n
}
