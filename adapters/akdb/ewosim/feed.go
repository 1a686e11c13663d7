package ewosim

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Feed is a Kafka broker in the process, on loopback, with one topic on which
// Ordnungsmerkmale are put as bare texts, without key or headers.
type Feed struct {
	cluster *kfake.Cluster
	client  *kgo.Client
	topic   string
}

// OpenFeed starts the broker on a port, 0 for any.
func OpenFeed(port int, topic string, partitions int32) (*Feed, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.ClusterID("amtsbote-ewosim"),
		kfake.SeedTopics(partitions, topic))
	if err != nil {
		return nil, fmt.Errorf("start the broker: %w", err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		cluster.Close()
		return nil, fmt.Errorf("start the broker: %w", err)
	}
	return &Feed{cluster: cluster, client: client, topic: topic}, nil
}

// Broker is the broker's address.
func (f *Feed) Broker() string { return f.cluster.ListenAddrs()[0] }

// Announce puts a value on the feed and gives the record once the broker has it.
func (f *Feed) Announce(ctx context.Context, value string) (*kgo.Record, error) {
	rec, err := f.client.ProduceSync(ctx, &kgo.Record{Topic: f.topic, Value: []byte(value)}).First()
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	return rec, nil
}

// Close ends the broker; what was on it is gone.
func (f *Feed) Close() {
	f.client.Close()
	f.cluster.Close()
}
