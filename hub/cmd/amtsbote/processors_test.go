package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
)

// TestSpare: one processor once one has been enough for several looks in a row, all as soon as
// it is too few, and all at the end.
func TestSpare(t *testing.T) {
	const some, most = (enoughShare + tooFewShare) / 2, 1.9
	calm := slices.Repeat([]float64{0.1}, enoughLooks)
	for name, c := range map[string]struct {
		shares []float64
		want   []bool // one processor?
	}{
		"nothing to do":       {calm, []bool{true, false}},
		"not for long enough": {calm[1:], nil},
		"not in a row":        {slices.Concat(calm[1:], []float64{some}, calm[1:]), nil},
		"busy":                {slices.Repeat([]float64{most}, 3*enoughLooks), nil},
		"then busy":           {slices.Concat(calm, []float64{tooFewShare + 0.01}), []bool{true, false}},
		"then not quite busy": {slices.Concat(calm, []float64{some, tooFewShare - 0.01}), []bool{true, false}},
		"busy for one look":   {slices.Concat(calm, []float64{most}, calm), []bool{true, false, true, false}},
		"busy between":        {slices.Concat(calm, []float64{most}, calm[1:]), []bool{true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			type look struct {
				at  time.Time
				cpu time.Duration
			}
			ctx, end := context.WithCancel(t.Context())
			ticks, looks, done := make(chan time.Time), make(chan look), make(chan struct{})
			var got []bool
			go func() {
				defer close(done)
				used := func() (time.Time, time.Duration) { l := <-looks; return l.at, l.cpu }
				spare(ctx, ticks, used, func(one bool) { got = append(got, one) })
			}()
			l := look{time.Now(), 17 * time.Second}
			looks <- l
			for i, share := range c.shares {
				tick := l.at.Add(lookEvery)
				every := lookEvery * time.Duration(i%3+1) // a look may be late
				l = look{l.at.Add(every), l.cpu + time.Duration(share*float64(every))}
				ticks <- tick
				looks <- l
			}
			end()
			<-done
			if !slices.Equal(got, c.want) {
				t.Errorf("it uses one processor: %v, want %v", got, c.want)
			}
		})
	}
}

// spared is a program that says whether it looks how many processors Go's runtime is to use, and,
// if so, whether it uses one while there is nothing to do, not at once, and all at the end
// (testdata/processors.txtar).
func spared() {
	all, began := runtime.GOMAXPROCS(0), time.Now()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	if !spareProcessors(ctx, zap.NewNop()) {
		fmt.Println("left")
		return
	}
	tick := time.NewTicker(lookEvery)
	for runtime.GOMAXPROCS(0) != 1 {
		<-tick.C
	}
	if time.Since(began) < startFor {
		fmt.Println("too early")
		return
	}
	end()
	for runtime.GOMAXPROCS(0) != all {
		<-tick.C
	}
	fmt.Println("one, all")
}

// TestServeSparesProcessors: the hub does so beside a NATS server of its own process, and only there.
func TestServeSparesProcessors(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Skip("there is one processor")
	}
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 1 << 46, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(time.Minute) {
		t.Fatal("the server did not come up")
	}
	h := newHost(t, buildHub(t), "")
	h.args = []string{"--nats", ns.ClientURL(), "--nats-accept", "no-accounts,unsynced,unverified,lenient,open", "--log", "debug"}
	h.env = append(h.env, "GOMAXPROCS=")
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	const looks = "as many processors as there is work for"
	if !strings.Contains(h.lines(), looks) {
		t.Error("the hub does not look how many processors it needs")
	}
	eventually(t, "the hub to do with one processor", func() error {
		if !strings.Contains(h.lines(), `"processors":1}`) {
			return errors.New("it has not said so")
		}
		return nil
	})
	embedded := newHost(t, buildHub(t), "")
	embedded.args, embedded.env = []string{"--log", "debug"}, append(embedded.env, "GOMAXPROCS=")
	embedded.start()
	if !embedded.comesUp() {
		t.Fatal("the hub with a server of its own did not come up")
	}
	if strings.Contains(embedded.lines(), looks) {
		t.Error("the hub spares processors with the server in its process")
	}
}
