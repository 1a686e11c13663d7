package digiwf

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
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
}

const (
	maxRecords = 200
	// What is fetched and not yet worked on: of all partitions of a broker, and of
	// one. A single batch that is larger comes all the same.
	fetchBytes, fetchPartitionBytes = 16 << 20, 4 << 20
	// maxBatch is how large a batch may be once it is unpacked.
	maxBatch = 64 << 20
)

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
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchPartitionBytes), kgo.MaxDecompressBatchBytes(maxBatch),
	)
	if r.kafka, err = kgo.NewClient(opts...); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	return nil
}

func (r *run) close() { r.kafka.CloseAllowingRebalance() }

// read takes records until ctx ends. A partition rests while its records are worked
// on: one that must wait holds up no other.
func (r *run) read(ctx context.Context) error {
	defer r.stop(func(lane) bool { return true })
	for {
		fetches := r.kafka.PollRecords(ctx, maxRecords)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.broken(ctx, fetches); err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) > 0 {
				r.start(ctx, p)
			}
		})
		r.kafka.AllowRebalance()
	}
}

func (r *run) start(ctx context.Context, p kgo.FetchTopicPartition) {
	partition := map[string][]int32{p.Topic: {p.Partition}}
	r.kafka.PauseFetchPartitions(partition)
	l := lane{p.Topic, p.Partition}
	ctx, cancel := context.WithCancel(ctx)
	w := &working{cancel: cancel, done: make(chan struct{})}
	r.mu.Lock()
	before := r.lanes[l]
	if before != nil { // what was polled before the pause took hold
		w.cancel = func() { before.cancel(); cancel() }
	}
	r.lanes[l] = w
	r.mu.Unlock()
	go func() {
		defer close(w.done)
		defer cancel()
		if before != nil {
			<-before.done
		}
		if r.lane(ctx, p.Records) == nil && r.last(l, w) {
			r.kafka.ResumeFetchPartitions(partition)
		}
	}()
}

// last takes the lane from the list unless more has come for it meanwhile.
func (r *run) last(l lane, w *working) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lanes[l] != w {
		return false
	}
	delete(r.lanes, l)
	return true
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
			all = append(all, r.passOver(ctx, bomb))
			continue
		}
		if lost, ok := errors.AsType[*kgo.ErrDataLoss](e.Err); ok {
			r.log.Error("digiwf: Kafka has lost records before they were read", zap.String("topic", lost.Topic),
				zap.Int32("partition", lost.Partition), zap.Int64("from", lost.ResetTo), zap.Int64("to", lost.ConsumedTo))
			continue
		}
		all = append(all, fmt.Errorf("kafka: partition %d: %w", e.Partition, e.Err))
	}
	return errors.Join(all...)
}

func (r *run) passOver(ctx context.Context, bomb *kgo.ErrDecompressTooLarge) error {
	r.log.Error("digiwf: a batch is passed over: it unpacks to more than can be held", zap.String("topic", bomb.Topic),
		zap.Int32("partition", bomb.Partition), zap.Int64("from", bomb.Offset), zap.Int64("to", bomb.NextOffset-1))
	if err := r.reportBatch(bomb); err != nil {
		return err
	}
	next := map[string]map[int32]kgo.EpochOffset{bomb.Topic: {bomb.Partition: {Epoch: -1, Offset: bomb.NextOffset}}}
	failed := errPassedOver
	r.kafka.CommitOffsetsSync(ctx, next, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, res *kmsg.OffsetCommitResponse, err error) {
		if err = errors.Join(err, refusedCommit(res)); err != nil {
			failed = fmt.Errorf("kafka: pass over a batch: %w", err)
		}
	})
	return failed
}

// errPassedOver says that reading has to begin anew behind a batch: the client stops
// for good at one that it cannot hold.
var errPassedOver = errors.New("kafka: a batch was passed over")

func refusedCommit(res *kmsg.OffsetCommitResponse) error {
	if res == nil {
		return nil
	}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}
