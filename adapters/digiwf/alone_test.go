package digiwf_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
)

const nothingIsRead = "nothing is read until it has left"

// A second hub in the group reads nothing where answers come out of the memory of the
// one that took the request, pays all the same what it owes from before, and takes over
// when the first has left.
func TestGroupOfAnother(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t, kfake.SeedTopics(1, integrationTopic)), adaptertest.NewIntake()
	yaml := strings.Replace(h.settings(`{type: publishEvent, envelope: true, reply: delivered}`), "timeout: 60s", "timeout: 1s", 1)
	other := strings.Replace(yaml, "dir: memory", "dir: other", 1)
	_, stop := h.run(t, in, other)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1","data":{}}`)
	events(t, in, 1)
	stop()
	_, stop = h.run(t, in, strings.Replace(yaml, "timeout: 1s", "timeout: 60s", 1))
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1","data":{}}`)
	events(t, in, 2)
	_, _ = h.run(t, in, strings.Replace(other, "reply: delivered", "reply: delivered, within: 1ms", 1))
	h.await(t, incident, 1)
	h.says(t, nothingIsRead)
	stop()
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1","data":{}}`)
	events(t, in, 3)
}

// Who finds another consumer in the group that came at the same time leaves it, and reads
// when that one is gone.
func TestGroupOfTwoAtOnce(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t, kfake.SeedTopics(1, integrationTopic)), adaptertest.NewIntake()
	foreign := make(chan *kgo.Client, 1)
	var looks atomic.Int64
	broker := h.broker.Cluster()
	broker.ControlKey(int16(kmsg.DescribeGroups), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		if looks.Add(1) == 2 { // the first look found nobody
			broker.SleepControl(func() { foreign <- h.joins(t) })
		}
		return nil, nil, false
	})
	yaml := strings.Replace(h.settings(`{type: publishEvent, envelope: true, reply: delivered}`), "timeout: 60s", "timeout: 1s", 1)
	_, _ = h.run(t, in, yaml)
	client := <-foreign
	h.says(t, nothingIsRead)
	client.Close()
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1","data":{}}`)
	events(t, in, 1)
}

// joins has a consumer that knows nothing of hubs come into the group.
func (h *house) joins(t *testing.T) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(h.broker.Address()), kgo.ConsumerGroup("dwf-interop-service"), kgo.ConsumeTopics(integrationTopic), kgo.DisableAutoCommit())
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(client.Close)
	eventually(t, func() error {
		if _, generation := client.GroupMetadata(); generation <= 0 {
			return errors.New("it has not joined")
		}
		return nil
	})
	return client
}

// says waits until the log does.
func (h *house) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() error {
		for _, entry := range h.logs.All() {
			if strings.Contains(entry.Message, text) {
				return nil
			}
		}
		return errors.New("the log does not say: " + text)
	})
}

// Who was alone in the group once stays when others come, as long as it is the same
// member; who was not leaves.
func TestPlaceInTheGroup(t *testing.T) {
	t.Parallel()
	got := digiwf.Look([]string{"", "a", "a", "a", "b", "b", "b"},
		nil, []string{"x"}, []string{"a"}, []string{"x", "a"}, []string{"x", "b"}, []string{"b"}, []string{"b", "x"})
	if want := []string{"outside", "outside", "single", "host", "guest", "single", "host"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
