package post_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/amtsbote/amtsbote/adapters/digiwf/digiwfsim"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// After an outage many letters are looked for: the topic is read once for all of them,
// further only for what has come since, and anew for a letter that was begun earlier.
func TestLookBackReadsOnce(t *testing.T) {
	t.Parallel()
	const topic, letters = "dwf-connector-test", 40
	broker, err := digiwfsim.OpenBroker(0, t.TempDir(), 3, []string{topic})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	kafka := wire.Kafka{Brokers: []string{broker.Address()}, Plaintext: true}
	begun := time.Now()
	sends := &post.Kafka{Kafka: kafka, Timeout: time.Minute, Idle: time.Minute, MaxBytes: 1 << 20, Dir: t.TempDir()}
	t.Cleanup(sends.Close)
	send := func(n int) {
		t.Helper()
		if err := sends.Send(t.Context(), post.ID(fmt.Sprint(n)), post.Letter{Topic: topic, Key: fmt.Sprint(n), Headers: []kgo.RecordHeader{{Key: "type", Value: []byte("x")}}, Body: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range letters {
		send(n)
	}

	var fetches atomic.Int64
	broker.Cluster().ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.Cluster().KeepControl()
		fetches.Add(1)
		return nil, nil, false
	})
	looks := &post.Kafka{Kafka: kafka, Timeout: time.Minute, Idle: time.Minute, MaxBytes: 1 << 20, Dir: t.TempDir(), LookBack: true}
	t.Cleanup(looks.Close)
	there := func(n int, begun time.Time, want bool) {
		t.Helper()
		if got, err := looks.Sent(t.Context(), post.ID(fmt.Sprint(n)), post.Letter{Topic: topic}, begun); got != want || err != nil {
			t.Errorf("letter %d: %v %v", n, got, err)
		}
	}
	there(0, begun, true)
	first := fetches.Load()
	for n := range letters {
		there(n, begun, true)
		there(letters+n, begun, false)
	}
	if more := fetches.Load() - first; first == 0 || more != 0 {
		t.Errorf("%d fetches for the first letter, %d for the others", first, more)
	}
	send(letters)
	there(letters, begun, true)
	there(1, begun.Add(-time.Hour), true)
	there(letters+1, begun.Add(-time.Hour), false)
}
