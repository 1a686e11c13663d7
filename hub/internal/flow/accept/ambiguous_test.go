package accept

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestSameFaultEachTime: of several things that are wrong with the headers the same one is
// told each time.
func TestSameFaultEachTime(t *testing.T) {
	for name, c := range map[string]struct {
		header map[string][]string
		at     string
	}{
		"other than the event": {map[string][]string{
			"Content-Type": {"application/cloudevents+json"},
			"ce-id":        {"other"}, "ce-source": {"other"}, "ce-type": {"other"}, "ce-subject": {"other"},
		}, "id"},
		"twice": {map[string][]string{
			"ce-type": {"t"}, "Ce-Type": {"t"}, "ce-id": {"1"}, "CE-ID": {"1"}, "ce-specversion": {"1.0"}, "ce-source": {"urn:a:b"},
		}, "id"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				_, r := Decode(&event.Message{Subject: "in.lhm.x.t", Header: c.header, Data: []byte(`{"specversion":"1.0","id":"1","source":"urn:a:b","type":"t","subject":"s"}`)})
				if r == nil || r.At != c.at {
					t.Fatalf("%v, want it at %s", r, c.at)
				}
			}
		})
	}
}
