package digiwf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

func (set *settings) outProblem(hub.Env) (key, why string) {
	seen := map[string]bool{}
	for i, o := range set.Out {
		why := o.problem(len(set.Kafka.Brokers) > 0, set.REST != nil)
		if why == "" && o.Via == viaREST {
			why = o.restProblem(set.REST)
		}
		if seen[o.Event] {
			why = "its event type stands twice"
		}
		if seen[o.Event] = true; why != "" {
			return "out", fmt.Sprintf("entry %d: %s", i+1, why)
		}
	}
	for _, r := range set.Integration.Requests {
		for _, a := range r.Answers {
			if seen[a.Event] {
				return "out", a.Event + " answers a request already"
			}
		}
	}
	return "", ""
}

func (o out) problem(kafka, rest bool) string {
	pointer := strings.HasPrefix(o.Instance, "/") && !badPointer(o.Instance)
	switch {
	case !wire.IsEventType(o.Event):
		return "event must be an event type like de.thema.geschehen.v1"
	case (o.Start == "") == (o.Correlate == ""):
		return "give one of start and correlate"
	case o.Instance != "correlationid" && o.Instance != "none" && !pointer:
		return "instance must be correlationid, none or a JSON Pointer"
	case o.Start != "" && o.BusinessKey != "":
		return "business-key is of messages: a start has none"
	case o.Correlate != "" && o.Instance == "none" && o.BusinessKey == "":
		return "without instance it needs business-key"
	case !strings.HasPrefix(o.BusinessKey, "/") && !slices.Contains([]string{"", "correlationid", "subject", "id"}, o.BusinessKey):
		return "business-key must be correlationid, subject, id or a JSON Pointer"
	case badPointer(o.BusinessKey):
		return "business-key is no JSON Pointer"
	case o.Via != viaKafka && o.Via != viaREST, o.Via == viaKafka && !kafka, o.Via == viaREST && !rest:
		return "via must be kafka or rest, and that be given"
	}
	return ""
}

func (o out) restProblem(r *rest) string {
	if r.Form == formEngine && o.Correlate != "" && o.Instance == "none" {
		return "form: engine brings messages to a process instance only: instance must not be none"
	}
	return ""
}
