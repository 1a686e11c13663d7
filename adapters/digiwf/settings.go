package digiwf

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// settings stand in the federation directory; README.md explains them.
type settings struct {
	Source      string        `yaml:"source"`
	Environment string        `yaml:"environment"`
	Dir         string        `yaml:"dir"`
	Kafka       kafkaSettings `yaml:"kafka"`
	Topics      wire.Topics   `yaml:"topics"`
	Types       wire.Types    `yaml:"types"`
	Headers     wire.Names    `yaml:"headers"`
	Integration integration   `yaml:"integration"`
	Out         []out         `yaml:"out"`
	REST        *rest         `yaml:"rest"`
	CaseKeyFile string        `yaml:"case-key-file"`
	MaxBytes    int           `yaml:"max-bytes"`
	Keep        time.Duration `yaml:"keep"`
	Retry       retry         `yaml:"retry"`

	key []byte // of CaseKeyFile
}

type kafkaSettings struct {
	wire.Kafka `yaml:",inline"`

	Group    string        `yaml:"group"`
	LookBack bool          `yaml:"look-back"`
	Timeout  time.Duration `yaml:"timeout"`
	Idle     time.Duration `yaml:"idle"`
}

type retry struct {
	First time.Duration `yaml:"first"`
	Most  time.Duration `yaml:"most"`
}

// integration is what the source plays; Topic is "" where it plays none.
type integration struct {
	Topic      string        `yaml:"topic"`
	Generation string        `yaml:"generation"` // auto, 1, 2
	Requests   []request     `yaml:"requests"`
	ErrorCode  string        `yaml:"error-code"`
	IncidentIn time.Duration `yaml:"incident-after"`
	MaxOpen    int           `yaml:"max-open"`
}

// request says what becomes of records of one type.
type request struct {
	Type     string        `yaml:"type"`
	Envelope bool          `yaml:"envelope"`
	Event    string        `yaml:"event"`
	Mapping  string        `yaml:"mapping"`
	ID       string        `yaml:"id"` // position, key, content
	Reply    string        `yaml:"reply"`
	Message  string        `yaml:"message"`
	Within   time.Duration `yaml:"within"`
	Answers  []answer      `yaml:"answers"`

	mapping *mapping.Mapping
}

// How a request is answered.
const (
	replyStored    = "stored"    // when the hub has the event
	replyDelivered = "delivered" // when every receiver has it, or with an error when it was refused
	replyEvent     = "event"     // by an event of a receiver
	replyNone      = "none"
)

// answer says how an event answers a request.
type answer struct {
	Event    string `yaml:"event"`
	As       string `yaml:"as"` // correlate, bpmnerror, incident
	Variable string `yaml:"variable"`
	Code     string `yaml:"code"`    // a text, or a JSON Pointer
	Message  string `yaml:"message"` // a text, or a JSON Pointer
}

// What an answer becomes.
const (
	asCorrelate = "correlate"
	asBpmnError = "bpmnerror"
	asIncident  = "incident"
)

// out says what an event does in DigiWF.
type out struct {
	Event       string `yaml:"event"`
	Start       string `yaml:"start"`     // key of the process
	Correlate   string `yaml:"correlate"` // name of the message
	Instance    string `yaml:"instance"`  // correlationid, none, or a JSON Pointer
	BusinessKey string `yaml:"business-key"`
	Variable    string `yaml:"variable"`
	Via         string `yaml:"via"` // kafka, rest
}

type rest struct {
	post.Login `yaml:",inline"`

	URL     string        `yaml:"url"`
	Form    string        `yaml:"form"` // engine, connector
	Start   string        `yaml:"start"`
	Message string        `yaml:"message"`
	TLS     wire.TLS      `yaml:"tls"`
	Timeout time.Duration `yaml:"timeout"`
}

const (
	viaKafka      = "kafka"
	viaREST       = "rest"
	formEngine    = "engine"
	formConnector = "connector"
)

func defaults(env hub.Env) settings {
	return settings{
		Dir: "digiwf/" + env.Adapter,
		Kafka: kafkaSettings{
			Kafka: wire.Kafka{ClientID: "amtsbote"}, Group: "dwf-interop-service",
			LookBack: true, Timeout: 30 * time.Second, Idle: 30 * time.Second,
		},
		Topics: wire.DefaultTopics(), Types: wire.DefaultTypes(), Headers: wire.DefaultNames(),
		Integration: integration{Generation: "auto", ErrorCode: "VALIDATION_ERROR", IncidentIn: 15 * time.Minute, MaxOpen: 100_000},
		MaxBytes:    1 << 20, Keep: 60 * 24 * time.Hour,
		Retry: retry{First: time.Second, Most: time.Minute},
	}
}

func decode(env hub.Env, s hub.Settings) (*settings, error) {
	set := defaults(env)
	if err := s.Decode(&set); err != nil {
		return nil, err
	}
	set.complete(env.Dir)
	for _, find := range []func(hub.Env) (key, why string){
		set.problem, set.kafkaProblem, set.limitProblem, set.namesProblem, set.integrationProblem, set.outProblem, set.restProblem,
	} {
		if key, why := find(env); why != "" {
			return nil, s.Errorf(key, "%s", why)
		}
	}
	return &set, set.load(env, s)
}

// complete fills in what follows from other settings, and makes paths absolute.
func (set *settings) complete(dir string) {
	set.Topics = set.Topics.In(set.Environment)
	set.Integration.Topic = wire.In(set.Integration.Topic, set.Environment)
	paths := []*string{&set.Dir, &set.CaseKeyFile, &set.Kafka.TLS.CA, &set.Kafka.TLS.Cert, &set.Kafka.TLS.Key, &set.Kafka.SASL.PasswordFile}
	if set.REST != nil {
		set.REST.complete()
		paths = append(paths, &set.REST.SecretFile, &set.REST.TLS.CA, &set.REST.TLS.Cert, &set.REST.TLS.Key)
	}
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	for i := range set.Integration.Requests {
		set.Integration.Requests[i].complete()
	}
	for i := range set.Out {
		set.Out[i].complete(len(set.Kafka.Brokers) > 0)
	}
}

func (r *request) complete() {
	fill(&r.ID, "position")
	fill(&r.Reply, replyDelivered)
	for i := range r.Answers {
		fill(&r.Answers[i].As, asCorrelate)
		fill(&r.Answers[i].Variable, "response")
	}
}

func (o *out) complete(kafka bool) {
	fill(&o.Variable, "event")
	fill(&o.Instance, "correlationid")
	if kafka {
		fill(&o.Via, viaKafka)
	}
	fill(&o.Via, viaREST)
}

func (r *rest) complete() {
	fill(&r.Form, formConnector)
	fill(&r.Start, "/rest/service/definition")
	if r.Form == formConnector {
		fill(&r.Message, "/rest/message")
	}
	fill(&r.Message, "/rest/input/message/send/message")
	r.URL = strings.TrimRight(r.URL, "/")
	if r.Timeout == 0 {
		r.Timeout = 30 * time.Second
	}
}

func fill(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// load compiles the mappings.
func (set *settings) load(env hub.Env, s hub.Settings) error {
	for i := range set.Integration.Requests {
		r := &set.Integration.Requests[i]
		if r.Mapping == "" {
			continue
		}
		m, err := mapping.Load(env.Federation, r.Mapping)
		if err != nil {
			return err
		}
		if m.Format() != mapping.JSON {
			return s.Errorf("integration.requests", "%s is no mapping of json", r.Mapping)
		}
		r.mapping = m
	}
	return nil
}
