package bench

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// pacedEvents is how many events the latency is measured with.
func (r *run) pacedEvents() int { return int(float64(r.load.rate) * r.load.paced.Seconds()) }

// pace publishes at the load's rate and measures from there to the moment at
// which the server has stored the copy.
func (r *run) pace(res *result) {
	r.t.Helper()
	first, n := r.load.events, r.pacedEvents()
	seq := r.info(outStream).State.LastSeq
	others := watchOthers(r.proc.pid(), r.server.pid())
	sent := make([]time.Time, n)
	began := time.Now()
	for k := range n {
		<-time.After(time.Until(began.Add(time.Duration(k) * time.Second / time.Duration(r.load.rate))))
		sent[k] = time.Now()
		r.publish(first + k)
	}
	copies, refused := expected(first+n, r.system == plain)
	r.outputs(copies + refused)
	res.pacedOthers = others.share()
	waits := r.waits(seq, first, sent)
	if len(waits) == 0 {
		r.t.Fatal("no latency was measured")
	}
	slices.Sort(waits)
	res.p50, res.p99 = waits[len(waits)/2], waits[len(waits)*99/100]
}

// waits reads the copies behind seq and tells how long each took.
func (r *run) waits(seq uint64, first int, sent []time.Time) (out []time.Duration) {
	r.t.Helper()
	cons, err := r.js.OrderedConsumer(r.t.Context(), outStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: seq + 1, FilterSubjects: []string{"out.ziel.>"},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for {
		batch, err := cons.Fetch(1000, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			r.t.Fatal(err)
		}
		got := 0
		for m := range batch.Messages() {
			got++
			meta, err := m.Metadata()
			i, notNumber := strconv.Atoi(m.Headers().Get("ce-id"))
			if err = errors.Join(err, notNumber); err != nil {
				r.t.Fatal(err)
			}
			out = append(out, meta.Timestamp.Sub(sent[i-first]))
		}
		if got == 0 {
			return out
		}
	}
}
