package digiwf

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// The checks of the settings: the key that is wrong, and why; "" for nothing.

func (set *settings) problem(hub.Env) (key, why string) {
	switch {
	case set.Integration.Topic == "" && len(set.Out) == 0:
		return "", "does nothing: give integration (what processes ask), out (what events do), or both"
	case set.Integration.Topic != "" && set.Source == "":
		return "source", "is missing: the source of the events, below a prefix that the application owns"
	case set.Integration.Topic != "" && len(set.Kafka.Brokers) == 0:
		return "kafka.brokers", "is missing: an integration is asked over Kafka"
	case len(set.Kafka.Brokers) == 0 && set.REST == nil:
		return "", "reaches nobody: give kafka or rest"
	case set.Dir == "":
		return "dir", "is missing: the folder where the adapter remembers"
	}
	return "", ""
}

func (set *settings) kafkaProblem(env hub.Env) (key, why string) {
	k := set.Kafka
	switch {
	case len(k.Brokers) == 0:
		return "", ""
	case k.Group == "":
		return "kafka.group", "the consumer group is missing"
	case k.Plaintext && env.Production:
		return "kafka.plaintext", "production wants TLS"
	case k.Plaintext && k.TLS != (wire.TLS{}):
		return "kafka.tls", "is given beside plaintext: true, which uses none of it"
	case (k.TLS.Cert == "") != (k.TLS.Key == ""):
		return "kafka.tls", "cert and key go together"
	}
	return saslProblem(k.SASL)
}

func saslProblem(s wire.SASL) (key, why string) {
	switch {
	case !slices.Contains([]string{"", "plain", "scram-sha-256", "scram-sha-512"}, s.Mechanism):
		return "kafka.sasl.mechanism", "must be plain, scram-sha-256 or scram-sha-512"
	case s.Mechanism != "" && (s.User == "" || s.PasswordFile == ""):
		return "kafka.sasl", "needs user and password-file"
	case s.Mechanism == "" && (s.User != "" || s.PasswordFile != ""):
		return "kafka.sasl.mechanism", "is missing: without it nobody logs in"
	}
	return "", ""
}

func (set *settings) limitProblem(hub.Env) (key, why string) {
	switch {
	case set.MaxBytes < 1 || set.MaxBytes > 40<<20:
		return "max-bytes", "must be 1 to 40MiB"
	case set.Keep < 31*24*time.Hour:
		return "keep", "must be at least 744h, longer than the hub's horizon of 30 days"
	case set.Retry.First < time.Millisecond || set.Retry.Most < set.Retry.First:
		return "retry", "first must be at least 1ms, and most not less than first"
	case set.Kafka.Timeout < 100*time.Millisecond || set.Kafka.Idle < time.Millisecond:
		return "kafka.timeout", "timeout must be at least 100ms, idle at least 1ms"
	case set.Integration.MaxOpen < 1:
		return "integration.max-open", "must be at least 1"
	case set.Integration.IncidentIn < 0:
		return "integration.incident-after", "must not be negative; 0 raises none"
	}
	return "", ""
}

func (set *settings) namesProblem(hub.Env) (key, why string) {
	for _, topic := range set.Topics.All() {
		if !wire.IsTopic(topic) && len(set.Kafka.Brokers) > 0 {
			return "topics", fmt.Sprintf("%q is no name of a topic; is the setting environment missing?", topic)
		}
	}
	if slices.Contains(set.Types.All(), "") {
		return "types", "a type is empty"
	}
	n := set.Headers
	if slices.Contains([]string{n.Type, n.Prefix, n.Instance, n.Message, n.Spring}, "") {
		return "headers", "a name is empty"
	}
	if !strings.HasPrefix(n.Instance, n.Prefix) {
		return "headers.instance", "must begin with prefix: answers repeat the headers with it"
	}
	return "", ""
}

func (set *settings) integrationProblem(hub.Env) (key, why string) {
	in := set.Integration
	switch {
	case in.Topic == "" && len(in.Requests) == 0:
		return "", ""
	case !wire.IsTopic(in.Topic):
		return "integration.topic", "is no name of a topic"
	case slices.Contains(set.Topics.All(), in.Topic):
		return "integration.topic", "is one of DigiWF's own topics: the adapter would read its own answers"
	case len(in.Requests) == 0:
		return "integration.requests", "is missing: which types become which events"
	case !slices.Contains([]string{"auto", "1", "2"}, in.Generation):
		return "integration.generation", "must be auto, 1 or 2"
	case in.ErrorCode == "":
		return "integration.error-code", "is empty"
	}
	seen := map[string]bool{}
	for i, r := range in.Requests {
		name := strings.ToLower(r.Type)
		why := r.problem()
		if seen[name] {
			why = "stands twice"
		}
		if seen[name] = true; why != "" {
			return "integration.requests", fmt.Sprintf("request %d: %s", i+1, why)
		}
	}
	return "", ""
}

func (r request) problem() string {
	ways := 0
	for _, given := range []bool{r.Envelope, r.Event != "", r.Mapping != ""} {
		if given {
			ways++
		}
	}
	switch {
	case r.Type == "":
		return "type is missing"
	case ways != 1:
		return "give one of envelope, event and mapping"
	case r.Event != "" && !wire.IsEventType(r.Event):
		return "event must be an event type like de.thema.geschehen.v1"
	case !slices.Contains([]string{"position", "key", "content"}, r.ID):
		return "id must be position, key or content"
	case r.Mapping != "" && r.ID != "position":
		return "id stands in the mapping"
	case !slices.Contains([]string{replyStored, replyDelivered, replyEvent, replyNone}, r.Reply):
		return "reply must be stored, delivered, event or none"
	case r.Within < 0:
		return "within must not be negative"
	}
	return r.answersProblem()
}

func (r request) answersProblem() string {
	if (r.Reply == replyEvent) != (len(r.Answers) > 0) {
		return "reply: event and answers belong together"
	}
	for _, a := range r.Answers {
		switch {
		case !wire.IsEventType(a.Event):
			return "event of an answer must be an event type like de.thema.geschehen.v1"
		case !slices.Contains([]string{asCorrelate, asBpmnError, asIncident}, a.As):
			return "as must be correlate, bpmnerror or incident"
		case badPointer(a.Code) || badPointer(a.Message):
			return "code and message of an answer are texts or JSON Pointers"
		}
	}
	return ""
}

// badPointer holds for what begins like a JSON Pointer and is none.
func badPointer(s string) bool { return strings.HasPrefix(s, "/") && !jsontext.Pointer(s).IsValid() }

func (set *settings) restProblem(env hub.Env) (key, why string) {
	r := set.REST
	if r == nil {
		return "", ""
	}
	switch {
	case badURL(r.URL, env.Production):
		return "rest.url", "must be an address with https (http only in test environments), without query"
	case r.Login.URL == "" && env.Production:
		return "rest.token-url", "is missing: production wants OAuth2"
	case r.Login.URL != "" && badURL(r.Login.URL, env.Production):
		return "rest.token-url", "must be an address with https (http only in test environments), without query"
	case r.Login.URL != "" && (r.ClientID == "" || r.SecretFile == ""):
		return "rest.client-id", "client-id and client-secret-file are missing"
	case r.Form != formEngine && r.Form != formConnector:
		return "rest.form", "must be engine or connector"
	case !strings.HasPrefix(r.Start, "/") || !strings.HasPrefix(r.Message, "/"):
		return "rest.start", "start and message are paths"
	case (r.TLS.Cert == "") != (r.TLS.Key == ""):
		return "rest.tls", "cert and key go together"
	case r.Timeout < 100*time.Millisecond:
		return "rest.timeout", "must be at least 100ms"
	}
	return "", ""
}

func badURL(s string, production bool) bool {
	u, err := url.Parse(s)
	return err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (production || u.Scheme != "http")
}
