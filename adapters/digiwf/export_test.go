package digiwf

import "github.com/twmb/franz-go/pkg/kgo"

// EventID is the id of the event that a record becomes (id: position).
func EventID(cluster string, rec *kgo.Record) string {
	return eventID(&asked{rec: rec, position: position(cluster, rec), request: &request{ID: "position"}})
}

// Look has one member look at its group several times, and gives its places there.
func Look(me []string, members ...[]string) (places []string) {
	var c company
	for n, all := range members {
		places = append(places, []string{"outside", "single", "host", "guest"}[c.look(all, me[n])])
	}
	return places
}
