package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// way is how events come in, while the hub is at work.
type way struct {
	name   string
	size   int // events of a request by HTTP; 0: by NATS, each by itself
	atOnce int // requests on their way
}

// ways in which events come in: by NATS no hub is asked, the server alone confirms; by HTTP the
// hub checks an event, and a batch is stored in one step.
var ways = []way{
	{"NATS, each by itself, 1024 on their way", 0, 0},
	{"HTTP, each by itself, 64 requests at a time", 1, 64},
	{"HTTP, batches of 100, 4 at a time", 100, 4},
	{"HTTP, batches of 1000, 4 at a time", 1000, 4},
}

// ingest is how fast events came in: taken until the last one was confirmed, through until the last
// copy was stored; for 100 000 of them, the CPU time of hub and server until then.
type ingest struct {
	taken, through float64 // events a second
	own, server    time.Duration
	others         float64
}

// admitted is the number of the n-th event that its schema accepts.
func admitted(n int) int { return n + n/(invalidEvery-1) }

// measureIngest has n events come in, without one that is refused.
func measureIngest(t *testing.T, bin string, synced bool, w way, n int) (res ingest) {
	t.Helper()
	r := &run{t: t, bin: bin, dir: t.TempDir(), system: hub, load: load{synced: synced, size: 1000}, corpus: newCorpus(1000), open: w.size > 0}
	r.user = user(t, r.dir)
	r.fill()
	r.serve(synced)
	r.launch()
	r.proc.says("One line an outcome follows")
	send := r.publishAll
	if w.size > 0 {
		send = r.door(w).sendAll
	}
	others := watchOthers(r.proc.pid(), r.server.pid())
	own, server := cpuOf(r.proc.pid()), cpuOf(r.server.pid())
	began := time.Now()
	send(n)
	res.taken = float64(n) / time.Since(began).Seconds()
	copies := 0
	for i := range n {
		copies += copiesOf[kind(admitted(i))]
	}
	res.through = float64(n) / r.outputs(copies).Sub(began).Seconds()
	per := 100_000 / float64(n)
	res.own = time.Duration(float64(cpuOf(r.proc.pid())-own) * per)
	res.server = time.Duration(float64(cpuOf(r.server.pid())-server) * per)
	res.others = others.share()
	r.proc.stop()
	if got := r.count(outStream, "out.ziel.>"); got != copies {
		t.Errorf("%s: %d copies, want %d", w.name, got, copies)
	}
	if got := r.decisions(); got != n {
		t.Errorf("%s: %d decisions, want %d", w.name, got, n)
	}
	r.server.stop()
	return res
}

// inflow is how events came in by one way.
type inflow struct {
	way    way
	synced bool
	all    []ingest // one a round
}

// addIngest measures how events come in.
func (b *report) addIngest(bin string) {
	b.t.Helper()
	for _, synced := range []bool{true, false} {
		for _, w := range ways {
			f := inflow{way: w, synced: synced}
			for round := range b.rounds {
				one := measureIngest(b.t, bin, synced, w, b.events/2)
				b.t.Logf("%s, synced: %t, round %d: %.0f/s confirmed, %.0f/s carried out, CPU %.2f + %.2f s, others %.0f %%",
					w.name, synced, round+1, one.taken, one.through, one.own.Seconds(), one.server.Seconds(), 100*one.others)
				f.all = append(f.all, one)
			}
			b.inflows = append(b.inflows, f)
		}
	}
}

func (f *inflow) median(of func(*ingest) float64) float64 {
	var all []float64
	for i := range f.all {
		all = append(all, of(&f.all[i]))
	}
	return median(all)
}

func (f *inflow) others() float64 { return f.median(func(i *ingest) float64 { return i.others }) }

func (f *inflow) row(w *strings.Builder) {
	fmt.Fprintf(w, "| %s | %s | %.0f | %.0f | %.2f + %.2f | %.0f %% |\n", map[bool]string{true: "synced", false: "unsynced"}[f.synced], f.way.name,
		f.median(func(i *ingest) float64 { return i.taken }), f.median(func(i *ingest) float64 { return i.through }),
		f.median(func(i *ingest) float64 { return i.own.Seconds() }), f.median(func(i *ingest) float64 { return i.server.Seconds() }), 100*f.others())
}

// publishAll publishes events by NATS, and waits until all are confirmed.
func (r *run) publishAll(n int) {
	r.t.Helper()
	for i := range n {
		r.publish(admitted(i))
	}
	<-r.js.PublishAsyncComplete()
}

// door is the hub's, for HTTP.
type door struct {
	*run
	way
	url, token string
	client     *http.Client
}

func (r *run) door(w way) *door {
	r.t.Helper()
	fields := strings.Fields(r.proc.says("  HTTP  "))
	out, err := exec.Command(r.bin, "token", "issue", "amt.fach", "--data", r.data(), "--nats", r.server.url, "--nats-nkey", seedFile(r.dir)).Output()
	if err != nil {
		r.t.Fatalf("issue a token: %v", err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: w.atOnce}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &door{run: r, way: w, url: fields[1] + "/events", token: strings.TrimSpace(string(out)), client: &http.Client{Transport: transport}}
}

// sendAll sends events, and waits until all are confirmed.
func (d *door) sendAll(n int) {
	d.t.Helper()
	var next atomic.Int64
	var g errgroup.Group
	for range d.atOnce {
		g.Go(func() error {
			for {
				from := int(next.Add(int64(d.size))) - d.size
				if from >= n {
					return nil
				}
				if err := d.send(from, min(from+d.size, n)); err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		d.t.Fatal(err)
	}
}

// send hands in the events from one to before another.
func (d *door) send(from, to int) error {
	var body bytes.Buffer
	for i := from; i < to; i++ {
		body.WriteByte("[,"[min(i-from, 1)])
		d.corpus.write(&body, admitted(i))
	}
	body.WriteByte(']')
	kind, want, data := "application/cloudevents-batch+json", http.StatusMultiStatus, body.Bytes()
	if d.size == 1 {
		kind, want, data = "application/cloudevents+json", http.StatusAccepted, data[1:len(data)-1]
	}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+d.token)
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s: %s", resp.Status, answer)
	}
	if d.size == 1 {
		return nil
	}
	var told struct{ Results []struct{ Status int } }
	if err := json.Unmarshal(answer, &told); err != nil {
		return err
	}
	for i, one := range told.Results {
		if one.Status != http.StatusAccepted {
			return fmt.Errorf("event %d of a batch: %d\n%s", i, one.Status, answer)
		}
	}
	if len(told.Results) != to-from {
		return fmt.Errorf("%d results of %d events", len(told.Results), to-from)
	}
	return nil
}

// write writes event number i in structured mode.
func (c *corpus) write(w *bytes.Buffer, i int) {
	fmt.Fprintf(w, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"subject":"vorgang-%d","time":"2026-11-24T08:15:00Z","datacontenttype":"application/json","data":`,
		strconv.Itoa(i), source(1+i%sources), types[kind(i)], i*7919%keys)
	w.Write(c.bodies[i%templates])
	w.WriteByte('}')
}

// TestIngest is the short form: all that is confirmed comes through once.
func TestIngest(t *testing.T) {
	if raced.On {
		t.Skip("what is counted are processes without the race detector")
	}
	bin := buildHub(t)
	for _, w := range ways {
		t.Logf("%s: %+v", w.name, measureIngest(t, bin, true, w, 300))
	}
}
