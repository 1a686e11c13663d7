package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The plain system: what any consumer-producer on JetStream does that loses
// nothing. It takes events from the in stream, publishes the same copies to
// the out stream by their subject alone, with a message id, waits for their
// confirmations, and only then acknowledges. It looks into nothing.
const (
	plainBatch  = 256  // taken together at most
	plainFlight = 4    // batches that wait for confirmation
	plainAhead  = 4096 // taken, or published and not confirmed
)

// routes are the subjects of the copies by the subject of the event.
func routes() map[string][]string {
	out := map[string][]string{}
	for i, to := range [][]string{{"eins", "zwei"}, {"drei"}, {"vier"}} {
		for _, receiver := range to {
			out[subjectIn(types[i])] = append(out[subjectIn(types[i])], "out.ziel."+receiver+"."+types[i])
		}
	}
	return out
}

// makePlainStreams makes an in and an out stream like the hub's.
func makePlainStreams(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for name, subject := range map[string]string{inStream: "in.amt.>", outStream: "out.>"} {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
			Name: name, Subjects: []string{subject}, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
			MaxBytes: 8 << 30, MaxMsgSize: 2 << 20, Duplicates: 100 * time.Millisecond, AllowDirect: name == outStream,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// republish is the plain system as a process.
func republish() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	nc, js, err := connect(os.Getenv("AMTSBOTE_BENCH_URL"), os.Getenv("AMTSBOTE_BENCH_SEED"), jetstream.WithPublishAsyncMaxPending(plainAhead))
	if err != nil {
		return err
	}
	defer nc.Close()
	cons, err := js.CreateOrUpdateConsumer(ctx, inStream, jetstream.ConsumerConfig{
		Durable: "plain", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 20_000, AckWait: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	// a short heartbeat: nats.go can lose a wake-up and then stands still for two
	in := make(chan jetstream.Msg, plainAhead)
	c, err := cons.Consume(func(m jetstream.Msg) { in <- m },
		jetstream.PullMaxMessages(plainAhead), jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return err
	}
	defer c.Stop()
	flights := make(chan flight, plainFlight)
	go land(flights)
	to := routes()
	for {
		msgs := taken(ctx, in)
		if len(msgs) == 0 {
			return nil
		}
		f := flight{msgs: msgs}
		if err := f.publish(js, to); err != nil {
			return err
		}
		flights <- f
	}
}

// taken waits for an event and takes what is there; none when ctx has ended.
func taken(ctx context.Context, in <-chan jetstream.Msg) (msgs []jetstream.Msg) {
	select {
	case m := <-in:
		msgs = append(make([]jetstream.Msg, 0, plainBatch), m)
	case <-ctx.Done():
		return nil
	}
	for len(msgs) < plainBatch {
		select {
		case m := <-in:
			msgs = append(msgs, m)
		default:
			return msgs
		}
	}
	return msgs
}

// flight is a batch underway.
type flight struct {
	msgs    []jetstream.Msg
	futures []jetstream.PubAckFuture
}

func (f *flight) publish(js jetstream.JetStream, to map[string][]string) error {
	for _, m := range f.msgs {
		for _, subject := range to[m.Subject()] {
			h := make(nats.Header, len(m.Headers())+1)
			for k, v := range m.Headers() {
				h[k] = v
			}
			h[jetstream.MsgIDHeader] = []string{h["ce-id"][0] + strings.TrimPrefix(subject, "out.ziel")}
			future, err := js.PublishMsgAsync(&nats.Msg{Subject: subject, Header: h, Data: m.Data()}, jetstream.WithStallWait(10*time.Second))
			if err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			f.futures = append(f.futures, future)
		}
	}
	return nil
}

// land waits for confirmations and acknowledges.
func land(flights <-chan flight) {
	for f := range flights {
		if err := f.confirmed(); err != nil {
			fmt.Fprintln(os.Stderr, "not confirmed:", err)
			os.Exit(1)
		}
		for _, m := range f.msgs {
			_ = m.Ack()
		}
	}
}

func (f *flight) confirmed() error {
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for _, future := range f.futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return err
		case <-late.C:
			return errors.New("no answer")
		}
	}
	return nil
}
