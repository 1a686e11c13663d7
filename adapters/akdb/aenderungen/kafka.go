package aenderungen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// run is one Run of the source.
type run struct {
	set      settings
	in       hub.Intake
	log      *zap.Logger
	kafka    *kgo.Client
	cluster  string
	gateway  *eai.Client // nil when nothing is read
	register reader
	journal  *journal
	people   *people
	aside    *aside

	desk sync.Mutex // one decision at a time: two partitions may speak of one person
}

// reader reads a person from the register; an unknown one is nil, nil.
type reader interface {
	PersonErweitert(ctx context.Context, om string) (*ewo.Person, error)
}

func (r *run) connect(ctx context.Context) error {
	opts, err := r.set.Kafka.options()
	if err != nil {
		return err
	}
	if r.kafka, err = kgo.NewClient(opts...); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	if r.cluster = r.set.Kafka.Cluster; r.cluster == "" {
		r.cluster, err = clusterID(ctx, r.kafka)
	}
	return err
}

// options: offsets are committed by nobody but us.
func (k kafkaSettings) options() ([]kgo.Opt, error) {
	begin := kgo.NewOffset().AtStart()
	if k.Beginn == "ende" {
		begin = kgo.NewOffset().AtEnd()
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(k.Broker...), kgo.ClientID(k.ClientID),
		kgo.ConsumerGroup(k.Gruppe), kgo.DisableAutoCommit(),
		kgo.ConsumeRegex(), kgo.ConsumeTopics(`^(?:` + k.Topics + `)$`),
		kgo.ConsumeResetOffset(begin),
	}
	if k.Klartext {
		return opts, nil
	}
	conf, err := eai.TLS(k.CA, k.Zertifikat, k.Schluessel)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return append(opts, kgo.DialTLSConfig(conf)), nil
}

// clusterID is part of every event's id: two clusters count offsets from 0.
func clusterID(ctx context.Context, client *kgo.Client) (string, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return "", fmt.Errorf("kafka: ask for the cluster: %w", err)
	}
	if res.ClusterID == nil || *res.ClusterID == "" {
		return "", errors.New("kafka: the cluster has no id; name it in the setting kafka.cluster")
	}
	return *res.ClusterID, nil
}

func (r *run) close() {
	if r.kafka != nil {
		r.kafka.Close()
	}
	if r.gateway != nil {
		r.gateway.Close()
	}
}

// read takes records until ctx ends. Each partition is worked on by itself and
// rests meanwhile: one that must wait holds up no other.
func (r *run) read(ctx context.Context) error {
	lanes, ctx := errgroup.WithContext(ctx)
	if r.set.Auskunft != nil {
		lanes.Go(func() error { return r.answers(ctx) })
	}
	lanes.Go(func() error {
		for {
			fetches := r.kafka.PollRecords(ctx, maxRecords)
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := broken(fetches); err != nil {
				return err
			}
			fetches.EachPartition(func(p kgo.FetchTopicPartition) {
				if len(p.Records) > 0 {
					r.start(ctx, lanes, p)
				}
			})
		}
	})
	return lanes.Wait()
}

const maxRecords = 200

func (r *run) start(ctx context.Context, lanes *errgroup.Group, p kgo.FetchTopicPartition) {
	partition := map[string][]int32{p.Topic: {p.Partition}}
	r.kafka.PauseFetchPartitions(partition)
	lanes.Go(func() error {
		defer r.kafka.ResumeFetchPartitions(partition)
		return r.lane(ctx, p.Records)
	})
}

// broken gives what polling reports and the client does not mend by itself;
// *kgo.ErrDataLoss among it: records were gone before they were read.
func broken(fetches kgo.Fetches) error {
	var all []error
	for _, e := range fetches.Errors() {
		all = append(all, fmt.Errorf("kafka: partition %d: %w", e.Partition, e.Err))
	}
	return errors.Join(all...)
}

// lane does records of one partition in their order.
func (r *run) lane(ctx context.Context, records []*kgo.Record) error {
	for _, rec := range records {
		if err := r.untilDone(ctx, rec); err != nil {
			return err
		}
		// Not committed means that it comes again, and the journal knows it.
		if err := r.kafka.CommitRecords(ctx, rec); err != nil && ctx.Err() == nil {
			r.log.Warn("okewo-aenderungen: offset not committed", append(position(rec), zap.Error(err))...)
		}
	}
	return nil
}

// untilDone tries again, waiting longer each time, until the record is done or
// ctx ends: the register or the hub is away, and what comes behind it in the
// partition would fare the same.
func (r *run) untilDone(ctx context.Context, rec *kgo.Record) error {
	for attempt := 1; ; attempt++ {
		err := r.take(ctx, rec, attempt)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait := r.set.wait(attempt)
		r.log.Warn("okewo-aenderungen: the partition waits",
			append(position(rec), zap.Int("attempt", attempt), zap.Duration("wait", wait), zap.Error(err))...)
		timer := time.NewTimer(max(wait, hub.FaultOf(err).After))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// wait doubles from warten to hoechstens.
func (set *settings) wait(attempt int) time.Duration {
	wait := set.Warten
	for i := 1; i < attempt && wait < set.Hoechstens; i++ {
		wait *= 2
	}
	return min(wait, set.Hoechstens)
}

// position says in a log which record it is; never the Ordnungsmerkmal.
func position(rec *kgo.Record) []zap.Field {
	return []zap.Field{zap.String("topic", rec.Topic), zap.Int32("partition", rec.Partition), zap.Int64("offset", rec.Offset)}
}
