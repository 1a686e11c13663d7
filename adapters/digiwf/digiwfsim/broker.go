package digiwfsim

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Broker is a Kafka broker in the process (kfake), on loopback. What is on it lies in
// a folder, so that it can be started again.
type Broker struct {
	mu      sync.Mutex
	cluster *kfake.Cluster
	opts    []kfake.Opt
	port    int
}

// OpenBroker starts a broker on a port, 0 for any, with topics of so many
// partitions.
func OpenBroker(port int, dir string, partitions int32, topics []string, more ...kfake.Opt) (*Broker, error) {
	b := &Broker{port: port, opts: append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.ClusterID("amtsbote-digiwfsim"), kfake.DataDir(dir), kfake.SeedTopics(partitions, topics...),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(maxMessage)}),
	}, more...)}
	return b, b.start()
}

// maxMessage is more than adapters take, so that tests can try.
const maxMessage = 64 << 20

func (b *Broker) start() error {
	cluster, err := kfake.NewCluster(append(b.opts, kfake.Ports(b.port))...)
	if err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	b.cluster = cluster
	_, port, _ := strings.Cut(cluster.ListenAddrs()[0], ":")
	if b.port, err = strconv.Atoi(port); err != nil {
		return fmt.Errorf("start the broker: its address has no port")
	}
	return nil
}

// Address is host:port.
func (b *Broker) Address() string { return "127.0.0.1:" + strconv.Itoa(b.port) }

// Cluster is the broker that runs just now.
func (b *Broker) Cluster() *kfake.Cluster {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cluster
}

// Restart ends the broker, with all connections, and starts it again with what it
// had.
func (b *Broker) Restart() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cluster.Close()
	return b.start()
}

// Stop ends it, Start begins again.
func (b *Broker) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cluster.Close()
}

// Start begins again after Stop.
func (b *Broker) Start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.start()
}
