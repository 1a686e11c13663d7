package digiwf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// run is one Run of the source.
type run struct {
	*source

	in      hub.Intake
	caseKey []byte
	kafka   *kgo.Client
	cluster string

	passed chan struct{} // a batch was passed over; has room for one

	mu      sync.Mutex
	lanes   map[lane]*working
	waiting int // requests and messages, at most
}

// lane is a partition; each is worked on by itself, in order.
type lane struct {
	topic     string
	partition int32
}

// working is a lane on which records are under way.
type working struct {
	cancel context.CancelFunc
	done   chan struct{}
	queue  []item
	paused bool
}

// item is what a lane has to do: a record, or a batch that is to be passed over when
// all in front of it is done.
type item struct {
	rec  *kgo.Record
	bomb *kgo.ErrDecompressTooLarge
}

const (
	maxRecords = 100 // at a time
	maxQueued  = 100 // of a lane; more, and it is not fetched for
	// What is fetched and not yet worked on: of all partitions of a broker, and of
	// one. A single batch that is larger comes all the same.
	fetchBytes, fetchPartitionBytes = 16 << 20, 4 << 20
)

// maxBatch is how large a batch may be once it is unpacked: many times what is
// usual, and at least two records that are taken.
func (set *settings) maxBatch() int { return max(16<<20, 2*set.MaxBytes) }

func (r *run) connect(ctx context.Context) error {
	opts, err := r.set.Kafka.Options()
	if err != nil {
		return err
	}
	if r.cluster, err = r.set.Kafka.ClusterID(ctx); err != nil {
		return err
	}
	opts = append(opts,
		kgo.ConsumerGroup(r.set.Kafka.Group), kgo.ConsumeTopics(r.set.Integration.Topic),
		// What nobody has committed yet is ours, too; and where what was committed is
		// gone, the oldest that there is.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.OnPartitionsRevoked(r.revoked), kgo.OnPartitionsLost(r.revoked),
		kgo.FetchMaxWait(time.Second), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes), kgo.MaxDecompressBatchBytes(r.set.maxBatch()),
	)
	if r.kafka, err = kgo.NewClient(opts...); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}

func (r *run) close() { r.kafka.CloseAllowingRebalance() }

// read takes records until ctx ends, and each partition is worked on by itself: one
// that must wait holds up no other.
func (r *run) read(ctx context.Context) error {
	defer r.stop(func(lane) bool { return true })
	for {
		fetches := r.kafka.PollRecords(ctx, maxRecords)
		if err := ctx.Err(); err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			var items []item
			for _, rec := range p.Records {
				items = append(items, item{rec: rec})
			}
			r.start(ctx, lane{p.Topic, p.Partition}, items...)
		})
		if err := r.broken(ctx, fetches); err != nil {
			return err
		}
		r.kafka.AllowRebalance()
	}
}

// start gives items to their lane. One that has much to do is not fetched for
// meanwhile; fetching again after a pause takes a while, so small work makes none.
func (r *run) start(ctx context.Context, l lane, items ...item) {
	if len(items) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.lanes[l]
	if w == nil {
		ctx, cancel := context.WithCancel(ctx)
		w = &working{cancel: cancel, done: make(chan struct{})}
		r.lanes[l] = w
		go func() {
			defer close(w.done)
			defer cancel()
			r.work(ctx, l, w)
		}()
	}
	w.queue = append(w.queue, items...)
	if len(w.queue) > maxQueued && !w.paused {
		w.paused = true
		r.kafka.PauseFetchPartitions(l.partitions())
	}
}

func (l lane) partitions() map[string][]int32 { return map[string][]int32{l.topic: {l.partition}} }

// work does a lane's items until there are none, or ctx ends.
func (r *run) work(ctx context.Context, l lane, w *working) {
	for {
		one, some := r.next(l, w)
		switch {
		case !some:
			return
		case one.bomb != nil:
			if r.passOver(ctx, one.bomb) != nil {
				return
			}
		case r.done(ctx, one.rec) != nil:
			return
		}
	}
}

// next gives the next item of a lane; without one the lane is closed.
func (r *run) next(l lane, w *working) (one item, some bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.paused && len(w.queue) <= maxQueued/2 {
		w.paused = false
		r.kafka.ResumeFetchPartitions(l.partitions())
	}
	if len(w.queue) == 0 {
		if r.lanes[l] == w {
			delete(r.lanes, l)
		}
		return item{}, false
	}
	one = w.queue[0]
	w.queue[0] = item{} // let go of it when it is done
	w.queue = w.queue[1:]
	return one, true
}

// revoked ends the work on partitions that become another's: what is not committed
// comes to that one.
func (r *run) revoked(_ context.Context, client *kgo.Client, gone map[string][]int32) {
	r.stop(func(l lane) bool {
		for _, p := range gone[l.topic] {
			if p == l.partition {
				return true
			}
		}
		return false
	})
	client.ResumeFetchPartitions(gone) // should they come back
}

// stop ends lanes and waits for them.
func (r *run) stop(which func(lane) bool) {
	r.mu.Lock()
	var ending []*working
	for l, w := range r.lanes {
		if which(l) {
			ending = append(ending, w)
			delete(r.lanes, l)
		}
	}
	r.mu.Unlock()
	for _, w := range ending {
		w.cancel()
	}
	for _, w := range ending {
		<-w.done
	}
}

// broken gives what polling reports and the client does not mend by itself. Records
// that were gone before they were read nobody brings back. A batch that unpacks to
// more than can be held is passed over, with a report.
func (r *run) broken(ctx context.Context, fetches kgo.Fetches) error {
	var all []error
	for _, e := range fetches.Errors() {
		if bomb, ok := errors.AsType[*kgo.ErrDecompressTooLarge](e.Err); ok {
			r.start(ctx, lane{bomb.Topic, bomb.Partition}, item{bomb: bomb})
			continue
		}
		if lost, ok := errors.AsType[*kgo.ErrDataLoss](e.Err); ok {
			r.log.Error("digiwf: Kafka has lost records before they were read", zap.String("topic", lost.Topic),
				zap.Int32("partition", lost.Partition), zap.Int64("from", lost.ResetTo), zap.Int64("to", lost.ConsumedTo))
			continue
		}
		if unreachable(e.Err) {
			r.log.Warn("digiwf: the broker cannot be reached, and has given the partitions away; the client joins the group again", zap.Error(e.Err))
			continue
		}
		all = append(all, fmt.Errorf("kafka: partition %d: %w", e.Partition, e.Err))
	}
	return errors.Join(all...)
}

// unreachable tells whether the group was left since a broker could not be reached, as when
// it starts anew: the client tries again by itself (kgo.ErrGroupSession). One that may not
// join is not mended so.
func unreachable(err error) bool {
	left, ok := errors.AsType[*kgo.ErrGroupSession](err)
	if !ok {
		return false
	}
	_, ok = errors.AsType[net.Error](left.Err)
	return ok
}
