package digiwf_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// bomb produces a batch that unpacks to more than is held.
func (h *house) bomb(t *testing.T) {
	t.Helper()
	bomber, err := kgo.NewClient(kgo.SeedBrokers(h.broker.Address()), kgo.ProducerBatchMaxBytes(100<<20), kgo.MaxBufferedBytes(200<<20),
		kgo.BrokerMaxWriteBytes(200<<20), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer bomber.Close()
	if err := bomber.ProduceSync(t.Context(), &kgo.Record{Topic: integrationTopic, Value: make([]byte, 20<<20)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// read reads a file of JSON.
func (h *house) read(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(h.dir, name))
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A batch that cannot be kept is passed over only when what stands in front of it is
// with the hub: nothing of that is lost.
func TestBatchBehindRecords(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	var away atomic.Bool
	away.Store(true)
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		if away.Load() {
			return errors.New("away")
		}
		return store()
	})
	for n := range 5 {
		h.put(t, asks("publishEvent"), fmt.Sprintf(`{"ceType":"de.a.geschehen.v1","data":{"nr":%d}}`, n))
	}
	h.bomb(t)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1","data":{"nr":5}}`)
	_, stop := h.run(t, in, h.settings(publishEvent))
	eventually(t, func() error {
		if h.logs.FilterMessage("digiwf: the partition waits").Len() < 20 {
			return errors.New("the partition does not wait")
		}
		return nil
	})
	if reasons, err := h.aside(); err != nil || len(reasons) != 0 {
		t.Errorf("passed over before its time: %q %v", reasons, err)
	}
	away.Store(false)
	for n, e := range events(t, in, 6) {
		if string(e.Data()) != fmt.Sprintf(`{"nr":%d}`, n) {
			t.Errorf("event %d is %s", n, e.Data())
		}
	}
	stop()
}

// A record that is with the hub just when its partition is taken away, or the hub
// ends, is committed yet: it comes to nobody again.
func TestCommitAtTheEnd(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	began := make(chan struct{})
	in.Follow(func(ctx context.Context, _ int, _ hub.Event, store func() error) error {
		close(began)
		<-ctx.Done()
		return store()
	})
	yaml := h.settings(`{type: publishEvent, envelope: true, reply: none}`)
	_, stop := h.run(t, in, yaml)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	<-began
	stop()
	var calls atomic.Int32
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		calls.Add(1)
		return store()
	})
	h.run(t, in, yaml)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	if events(t, in, 2); calls.Load() != 1 {
		t.Errorf("%d records came after the first was committed", calls.Load())
	}
}

// Settings are loaded anew while a letter is on its way: the new Kafka waits for the
// old one's, and sends none.
func TestReloadWhileUnderWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	seen, free := make(chan struct{}), make(chan struct{})
	tell := sync.OnceFunc(func() { close(seen) })
	h.broker.Cluster().ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		tell()
		<-free // the broker has it, and does nothing yet
		return nil, nil, false
	})
	once := func(ctx context.Context, timeout time.Duration) error {
		way := &post.Kafka{
			Kafka: wire.Kafka{Brokers: []string{h.broker.Address()}, Plaintext: true}, Timeout: timeout, Idle: time.Millisecond,
			MaxBytes: 1 << 20, Dir: h.dir, LookBack: true,
		}
		box := &post.Box{Dir: filepath.Join(h.dir, "sent"), Way: way}
		return errors.Join(box.Open(), box.Once(ctx, "k", "me", post.Letter{Topic: engineTopic, Body: []byte(`{}`)}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- once(ctx, patience) }()
	<-seen
	cancel() // the old sink ends
	if err := <-end; err == nil {
		t.Fatal("sent")
	}
	if err := once(t.Context(), 100*time.Millisecond); code(err) != "not-acknowledged" {
		t.Errorf("the new one does not wait for the old one's letter: %v", err)
	}
	close(free)
	if err := once(t.Context(), patience); err != nil {
		t.Fatal(err)
	}
	h.await(t, engineTopic, 1)
}
