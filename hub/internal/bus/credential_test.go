package bus

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestLocalCredential holds the one credential to what the documents say: it
// publishes and reads, takes from mailboxes of mode nats, and changes nothing.
func TestLocalCredential(t *testing.T) {
	orgs := []Organisation{{ID: "lhm", Quota: 16 << 20}}
	dir := t.TempDir()
	s, err := StartEmbedded(Embedded{
		Dir: dir, Listen: "127.0.0.1:0", MaxStore: small.Total(orgs), AllowTemp: true,
		Mailboxes: MailboxOwners{All: []string{"lhm.sink", "lhm.own"}, Sinks: []string{"lhm.sink"}},
	}, zap.NewNop())
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
	for _, app := range []string{"lhm.sink", "lhm.own"} {
		if err := b.EnsureMailbox(t.Context(), app, 10); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(t.Context(), event.Message{Subject: "out." + app + ".t", Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := nats.Connect(s.URL()); err == nil {
		t.Error("a client without a credential got in")
	}
	local, err := Dial(t.Context(), External{URL: s.URL(), Creds: filepath.Join(dir, LocalCredential)}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(local.Close)
	serve(t, b)
	for name, c := range map[string]struct {
		allowed bool
		try     func(context.Context) error
	}{
		"publish to an in stream": {true, func(ctx context.Context) error {
			_, err := local.js.Publish(ctx, "in.lhm.x.t", nil)
			return err
		}},
		"read the trail": {true, func(ctx context.Context) error {
			_, err := local.js.OrderedConsumer(ctx, Trail, jetstream.OrderedConsumerConfig{})
			return err
		}},
		"take from a mailbox of mode nats":           {true, func(ctx context.Context) error { return takeOne(ctx, local, "lhm_own") }},
		"take from a mailbox that the hub hands out": {false, func(ctx context.Context) error { return takeOne(ctx, local, "lhm_sink") }},
		"ask the running hub": {true, func(ctx context.Context) error {
			_, err := local.Call(ctx, "double", []byte("x"))
			return err
		}},
		"answer in the hub's place": {false, func(ctx context.Context) error {
			sub, err := local.nc.SubscribeSync(controlRoot + "double")
			if err != nil {
				return err
			}
			defer func() { _ = sub.Unsubscribe() }()
			if err := b.nc.PublishRequest(controlRoot+"double", "_INBOX.x", nil); err != nil {
				return err
			}
			_, err = sub.NextMsgWithContext(ctx)
			return err
		}},
		"release a parked key by itself": {false, func(ctx context.Context) error {
			_, err := local.js.Publish(ctx, "parked.release.lhm.sink.out.x", nil)
			return err
		}},
		"publish to OUT": {false, func(ctx context.Context) error {
			_, err := local.js.Publish(ctx, "out.lhm.sink.t", nil)
			return err
		}},
		"publish to an edge stream": {false, func(ctx context.Context) error {
			_, err := local.js.Publish(ctx, "edge.lhm.x.t", nil)
			return err
		}},
		"delete a stream": {false, func(ctx context.Context) error { return local.js.DeleteStream(ctx, Out) }},
		"change a stream": {false, func(ctx context.Context) error {
			_, err := local.js.UpdateStream(ctx, jetstream.StreamConfig{Name: Out, Subjects: []string{"out.>"}, MaxMsgs: 1})
			return err
		}},
		"change a mailbox": {false, func(ctx context.Context) error {
			_, err := local.js.UpdateConsumer(ctx, Out, jetstream.ConsumerConfig{Durable: "lhm_own", FilterSubject: "out.lhm.own.>", MaxAckPending: 1, AckPolicy: jetstream.AckExplicitPolicy})
			return err
		}},
		"delete a mailbox": {false, func(ctx context.Context) error { return local.js.DeleteConsumer(ctx, Out, "lhm_own") }},
		"make a work consumer": {false, func(ctx context.Context) error {
			_, err := local.js.CreateConsumer(ctx, "IN_lhm", jetstream.ConsumerConfig{Durable: workName})
			return err
		}},
		"purge an in stream": {false, func(ctx context.Context) error {
			st, err := local.js.Stream(ctx, "IN_lhm")
			if err != nil {
				return nil //nolint:nilerr // looking is allowed: the test fails by the missing error
			}
			return st.Purge(ctx)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if err := c.try(ctx); (err == nil) != c.allowed {
				t.Errorf("%v, want allowed = %v", err, c.allowed)
			}
		})
	}
}

func takeOne(ctx context.Context, b *Bus, consumer string) error {
	cons, err := b.js.Consumer(ctx, Out, consumer)
	if err != nil {
		return err
	}
	batch, err := cons.Fetch(1, jetstream.FetchMaxWait(300*time.Millisecond))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		return m.DoubleAck(ctx)
	}
	return context.DeadlineExceeded
}
