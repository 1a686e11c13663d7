package digiwf

import "github.com/twmb/franz-go/pkg/kgo"

// EventID is the id of the event that a record becomes (id: position).
func EventID(cluster string, rec *kgo.Record) string {
	return eventID(&asked{rec: rec, position: position(cluster, rec), request: &request{ID: "position"}})
}
