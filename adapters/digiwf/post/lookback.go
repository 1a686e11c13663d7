package post

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/hub"
)

// skew is how far the clocks of hub and brokers may be apart.
const skew = 2 * time.Minute

// Sent implements Way: it reads what the topic has since then.
func (k *Kafka) Sent(ctx context.Context, id string, l Letter, begun time.Time) (bool, error) {
	if p := k.underWay(id); p != nil {
		err := k.await(ctx, p)
		select {
		case <-p.done: // when it has failed, the topic is asked
		default:
			return false, err
		}
		if p.err == nil {
			return true, nil
		}
	}
	if !k.LookBack {
		return false, nil
	}
	found, err := k.lookBack(ctx, id, l.Topic, begun.Add(-skew))
	if err != nil {
		return false, hub.Retryable("not-sure", "topic %s: %w", l.Topic, err)
	}
	return found, nil
}

// lookBack is one at a time for a topic: many letters may be due after an outage, and
// what was read for one of them need not be read for the next.
func (k *Kafka) lookBack(ctx context.Context, id, topic string, since time.Time) (bool, error) {
	leave, err := disk.Hold(ctx, k.Dir+"\x00"+topic)
	if err != nil {
		return false, err
	}
	defer leave()
	opts, err := k.Kafka.Options()
	if err != nil {
		return false, err
	}
	asks, err := kgo.NewClient(opts...)
	if err != nil {
		return false, fmt.Errorf("kafka: %w", err)
	}
	defer asks.Close()
	soon, cancel := context.WithTimeout(ctx, k.Timeout)
	defer cancel()
	spans, err := spansOf(soon, asks, topic, since)
	if err != nil || len(spans) == 0 {
		return false, err
	}
	wanted := parseID(id)
	if wanted == nil {
		return false, errors.New("a letter's id must be 64 hexadecimal digits")
	}
	search := &search{Kafka: k, read: k.readOf(topic, spans), wanted: *wanted}
	search.found = search.has(*wanted)
	for !search.found {
		rest := search.rest(spans)
		if len(rest) == 0 {
			break
		}
		if err := search.over(ctx, opts, topic, maps.Clone(rest)); err != nil {
			return search.found, err
		}
		for p, part := range rest { // up to here all is read, remembered or not
			spans[p] = span{part.to, spans[p].to}
		}
	}
	return search.found, nil
}

// search is one look for a letter.
type search struct {
	*Kafka
	*read

	wanted letterID
	found  bool
}

// over reads parts of partitions, to their ends if what is read is remembered.
func (s *search) over(ctx context.Context, opts []kgo.Opt, topic string, parts map[int32]span) error {
	from := map[int32]kgo.Offset{}
	for p, part := range parts {
		from[p] = kgo.NewOffset().At(part.from)
	}
	reader, err := kgo.NewClient(append(opts, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer reader.Close()
	for len(parts) > 0 && (!s.found || !s.full) {
		if err := s.poll(ctx, reader, parts); err != nil {
			return err
		}
	}
	return nil
}

// poll takes some records, and parts that are read to their end out of parts. It gives
// up when Timeout passes without a record: a long topic takes its time.
func (s *search) poll(ctx context.Context, reader *kgo.Client, parts map[int32]span) error {
	soon, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	fetches := reader.PollRecords(soon, 500)
	if err := soon.Err(); err != nil && fetches.NumRecords() == 0 {
		return fmt.Errorf("read the topic: %w", err)
	}
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, context.DeadlineExceeded) && ctx.Err() == nil {
			continue // records came just then
		}
		return fmt.Errorf("read the topic: %w", e.Err)
	}
	fetches.EachRecord(func(rec *kgo.Record) {
		part, open := parts[rec.Partition]
		if !open {
			return
		}
		if id := s.take(rec, part); id != nil && *id == s.wanted {
			s.found = true
		}
		if rec.Offset+1 >= part.to {
			delete(parts, rec.Partition)
		}
	})
	return nil
}

// span of a partition: offsets from (inclusive) to (exclusive).
type span struct{ from, to int64 }

// spansOf gives what each partition of the topic has since then; partitions without
// are left out.
func spansOf(ctx context.Context, client *kgo.Client, topic string, since time.Time) (map[int32]span, error) {
	partitions, err := partitionsOf(ctx, client, topic)
	if err != nil {
		return nil, err
	}
	from, err := offsets(ctx, client, topic, partitions, since.UnixMilli())
	if err != nil {
		return nil, err
	}
	to, err := offsets(ctx, client, topic, partitions, latest)
	if err != nil {
		return nil, err
	}
	spans := map[int32]span{}
	for p, begin := range from {
		if end := to[p]; begin >= 0 && begin < end {
			spans[p] = span{begin, end}
		}
	}
	return spans, nil
}

func partitionsOf(ctx context.Context, client *kgo.Client, topic string) ([]int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = &topic
	req.Topics = append(req.Topics, asked)
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("ask for partitions: %w", err)
	}
	if len(res.Topics) != 1 {
		return nil, errors.New("ask for partitions: the broker tells nothing of the topic")
	}
	if err := kerr.ErrorForCode(res.Topics[0].ErrorCode); err != nil {
		return nil, fmt.Errorf("ask for partitions: %w", err)
	}
	var all []int32
	for _, p := range res.Topics[0].Partitions {
		all = append(all, p.Partition)
	}
	return all, nil
}

// latest asks for the end; other timestamps for the first record at or after.
const latest = -1

// offsets gives -1 where a partition has none.
func offsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, timestamp int64) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	asked := kmsg.NewListOffsetsRequestTopic()
	asked.Topic = topic
	for _, p := range partitions {
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Partition, one.Timestamp = p, timestamp
		asked.Partitions = append(asked.Partitions, one)
	}
	req.Topics = append(req.Topics, asked)
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("ask for offsets: %w", err)
	}
	found := map[int32]int64{}
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("ask for offsets of partition %d: %w", p.Partition, err)
			}
			found[p.Partition] = p.Offset
		}
	}
	if len(found) != len(partitions) {
		return nil, errors.New("ask for offsets: the brokers left partitions out")
	}
	return found, nil
}
