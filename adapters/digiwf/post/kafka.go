package post

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// IDHeader is the header by which a record is found again after a crash. Spring
// leaves it as it is.
const IDHeader = "amtsbote.id"

// Kafka is the Way by records. The producer is idempotent and waits for all
// in-sync replicas. A client is there while letters are under way, and for Idle
// after the last.
type Kafka struct {
	Kafka wire.Kafka
	// Timeout is how long a letter may take before Send gives up waiting.
	Timeout time.Duration
	Idle    time.Duration
	// MaxBytes is how long a letter may be.
	MaxBytes int
	// LookBack is false where the topics that are written must not be read: then
	// what a crash interrupts is sent again.
	LookBack bool
	// Dir tells the letters of adapters apart: those with the same one share what is
	// on its way.
	Dir string

	mu     sync.Mutex
	client *kgo.Client
	users  int
	idle   *time.Timer
	topics map[string]*read // what was read of them to look for letters
	forget *time.Timer      // when nobody looks any more
}

// pending is a record whose fate is not known yet. The client goes on with it when
// nobody waits any more, and under its sequence number Kafka takes it once; sent
// anew it would be a second one.
type pending struct {
	done chan struct{}
	err  error
}

// onTheWay are the pending records of this process by Dir and id. When settings are
// loaded anew, another Kafka takes over while the client of the old one goes on.
var onTheWay sync.Map

type letterOf struct{ dir, id string }

func (k *Kafka) underWay(id string) *pending {
	p, _ := onTheWay.Load(letterOf{k.Dir, id})
	one, _ := p.(*pending)
	return one
}

var _ Way = (*Kafka)(nil)

// Send implements Way.
func (k *Kafka) Send(ctx context.Context, id string, l Letter) error {
	if err := ctx.Err(); err != nil {
		return nothing(fmt.Errorf("produce: %w", err))
	}
	if len(l.Body) > k.MaxBytes {
		return hub.Permanent("too-large", "produce: the message is larger than %d bytes", k.MaxBytes)
	}
	p, err := k.begin(ctx, id, l)
	if err != nil {
		return err
	}
	return k.await(ctx, p)
}

// begin produces the record, unless it is on its way already.
func (k *Kafka) begin(ctx context.Context, id string, l Letter) (*pending, error) {
	if p := k.underWay(id); p != nil {
		return p, nil
	}
	if err := k.reachable(ctx); err != nil {
		return nil, nothing(err)
	}
	client, leave, err := k.enter()
	if err != nil {
		return nil, nothing(hub.Retryable("settings", "produce: %w", err))
	}
	p := &pending{done: make(chan struct{})}
	key := letterOf{k.Dir, id}
	if other, there := onTheWay.LoadOrStore(key, p); there {
		leave()
		return other.(*pending), nil //nolint:forcetypeassert,errcheck // nothing else is in it
	}
	// Its fate is its own: cancelled underway it would be sent and failed.
	client.TryProduce(context.WithoutCancel(ctx), k.record(id, l), func(_ *kgo.Record, err error) {
		onTheWay.Delete(key)
		p.err = failed(err)
		close(p.done)
		leave()
	})
	return p, nil
}

// nothing marks an error before anything was sent.
func nothing(err error) error { return errors.Join(err, ErrNothingSent) }

func (k *Kafka) record(id string, l Letter) *kgo.Record {
	rec := &kgo.Record{
		Topic: l.Topic, Value: l.Body,
		Headers: append(slices.Clone(l.Headers), kgo.RecordHeader{Key: IDHeader, Value: []byte(id)}),
	}
	if l.Key != "" {
		rec.Key = []byte(l.Key)
	}
	return rec
}

func (k *Kafka) await(ctx context.Context, p *pending) error {
	timer := time.NewTimer(k.Timeout)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.err
	case <-timer.C:
		return hub.Retryable("not-acknowledged", "produce: no broker has acknowledged it within %v", k.Timeout)
	case <-ctx.Done():
		return fmt.Errorf("produce: %w", ctx.Err())
	}
}

// failed says whether another try can help.
func failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kgo.ErrMaxBuffered):
		return nothing(hub.Retryable("not-sent", "produce: %w", err))
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		return hub.Permanent("too-large", "produce: the broker takes no message of this size: %w", err)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return hub.Retryable("not-allowed", "produce: the broker's rights do not allow it: %w", err)
	}
	return hub.Retryable("not-sent", "produce: %w", err)
}

// reachable asks the brokers for a sign of life before a client is made, which would
// try until Timeout.
func (k *Kafka) reachable(ctx context.Context) error {
	k.mu.Lock()
	open := k.client != nil
	k.mu.Unlock()
	if open {
		return nil
	}
	if _, err := k.Kafka.Ask(ctx); err != nil {
		return hub.Retryable("unreachable", "produce: %w", err)
	}
	return nil
}

// enter gives the client, and makes one when there is none.
func (k *Kafka) enter() (*kgo.Client, func(), error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.client == nil {
		opts, err := k.Kafka.Options()
		if err != nil {
			return nil, nil, err
		}
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordDeliveryTimeout(k.Timeout),
			kgo.ProducerBatchCompression(kgo.NoCompression()),                      // small, and every client reads it
			kgo.ProducerBatchMaxBytes(int32(min(k.MaxBytes, 1<<30)+batchOverhead)), //nolint:gosec // bounded here
			kgo.MetadataMinAge(500*time.Millisecond), kgo.RetryBackoffFn(backoff),  // brokers that come back are found soon
			kgo.MaxBufferedRecords(1000), kgo.MaxBufferedBytes(4*(k.MaxBytes+batchOverhead)))
		if k.client, err = kgo.NewClient(opts...); err != nil {
			return nil, nil, fmt.Errorf("kafka: %w", err)
		}
	}
	k.users++
	if k.idle != nil {
		k.idle.Stop()
	}
	return k.client, sync.OnceFunc(k.leave), nil
}

// backoff doubles from 100 ms to 1 s.
func backoff(attempt int) time.Duration {
	return min(100*time.Millisecond<<min(attempt, 5), time.Second)
}

// batchOverhead is what headers and the batch's frame may add.
const batchOverhead = 256 << 10

func (k *Kafka) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.users--; k.users == 0 {
		k.idle = time.AfterFunc(k.Idle, k.closeIdle)
	}
}

func (k *Kafka) closeIdle() {
	k.mu.Lock()
	client := k.client
	if k.users > 0 || client == nil {
		k.mu.Unlock()
		return
	}
	k.client = nil
	k.mu.Unlock()
	client.Close()
}

// Close ends the client; letters under way fail, and are looked for when they are
// sent again.
func (k *Kafka) Close() {
	k.mu.Lock()
	client := k.client
	k.client = nil
	if k.idle != nil {
		k.idle.Stop()
	}
	k.mu.Unlock()
	if client != nil {
		client.Close()
	}
}
