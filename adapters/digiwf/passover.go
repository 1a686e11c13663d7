package digiwf

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// errPassedOver says that reading has to begin anew behind a batch: the client stops
// for good at one that it cannot hold.
var errPassedOver = errors.New("kafka: a batch was passed over")

// passOver reports a batch and commits its end. Its lane calls it when all records in
// front are done: what is committed earlier would be lost with a crash. It tries until
// it is done or ctx ends.
func (r *run) passOver(ctx context.Context, bomb *kgo.ErrDecompressTooLarge) error {
	wait := r.set.Retry.First
	for {
		err := r.reportBatch(bomb)
		if err == nil {
			err = r.commitBehind(ctx, bomb)
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.log.Warn("digiwf: the partition waits at a batch that is to be passed over", append(batch(bomb), zap.Duration("wait", wait), zap.Error(err))...)
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, r.set.Retry.Most)
	}
	r.log.Error("digiwf: a batch is passed over: it unpacks to more than can be held", batch(bomb)...)
	select {
	case r.passed <- struct{}{}:
	default: // another one has said so
	}
	return nil
}

func batch(bomb *kgo.ErrDecompressTooLarge) []zap.Field {
	return []zap.Field{
		zap.String("topic", bomb.Topic), zap.Int32("partition", bomb.Partition),
		zap.Int64("from", bomb.Offset), zap.Int64("to", bomb.NextOffset-1),
	}
}

func (r *run) commitBehind(ctx context.Context, bomb *kgo.ErrDecompressTooLarge) (failed error) {
	next := map[string]map[int32]kgo.EpochOffset{bomb.Topic: {bomb.Partition: {Epoch: -1, Offset: bomb.NextOffset}}}
	r.kafka.CommitOffsetsSync(ctx, next, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, res *kmsg.OffsetCommitResponse, err error) {
		if err = errors.Join(err, refusedCommit(res)); err != nil {
			failed = fmt.Errorf("kafka: pass over a batch: %w", err)
		}
	})
	return failed
}

// anew waits for a batch that was passed over.
func (r *run) anew(ctx context.Context) error {
	select {
	case <-r.passed:
		return errPassedOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

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
