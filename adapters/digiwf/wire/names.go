package wire

import (
	"regexp"
	"strings"
)

// Environment stands in a topic's name for the environment: dev, test, demo, …
const Environment = "{environment}"

// Topics are the names of topics; each may hold {environment}.
type Topics struct {
	Engine    string `yaml:"engine"`
	Connector string `yaml:"connector"`
	BpmnError string `yaml:"bpmnerror"`
	Incident  string `yaml:"incident"`
}

// DefaultTopics are those of DigiWF: <prefix>-<domain>-<usage>-<environment>.
func DefaultTopics() Topics {
	return Topics{
		Engine: "dwf-digiwf-engine-" + Environment, Connector: "dwf-connector-" + Environment,
		BpmnError: "dwf-connector-bpmnerror-" + Environment, Incident: "dwf-connector-incident-" + Environment,
	}
}

// In gives the names in an environment.
func (t Topics) In(environment string) Topics {
	return Topics{
		Engine: In(t.Engine, environment), Connector: In(t.Connector, environment),
		BpmnError: In(t.BpmnError, environment), Incident: In(t.Incident, environment),
	}
}

// All lists them.
func (t Topics) All() []string { return []string{t.Engine, t.Connector, t.BpmnError, t.Incident} }

// In puts the environment into a topic's name; without one the place stays, and is
// no topic's name.
func In(topic, environment string) string {
	if environment == "" {
		return topic
	}
	return strings.ReplaceAll(topic, Environment, environment)
}

var topicForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// IsTopic tells whether Kafka takes the name.
func IsTopic(name string) bool { return topicForm.MatchString(name) && name != "." && name != ".." }

// Types are the values of the header type; they are compared without regard to case,
// since producers differ in it.
type Types struct {
	Start     string `yaml:"start"`
	Correlate string `yaml:"correlate"`
	BpmnError string `yaml:"bpmnerror"`
	Incident  string `yaml:"incident"`
}

// DefaultTypes are those of digiwf-message.
func DefaultTypes() Types {
	return Types{Start: "startProcessV01", Correlate: "correlateMessageV01", BpmnError: "bpmnerror", Incident: "incident"}
}

// All lists them.
func (t Types) All() []string { return []string{t.Start, t.Correlate, t.BpmnError, t.Incident} }

// Names are the names of headers.
type Names struct {
	Type     string `yaml:"type"`
	Prefix   string `yaml:"prefix"` // of the headers that an answer repeats
	Instance string `yaml:"instance"`
	Message  string `yaml:"message"` // generation 1
	// Integration marks generation 2; the name is unverified.
	Integration string `yaml:"integration"`
	// Spring names the header with the Java types of the others.
	Spring string `yaml:"spring"`
}

// DefaultNames are those of digiwf-message and Spring for Kafka.
func DefaultNames() Names {
	return Names{
		Type: "type", Prefix: "digiwf.", Instance: "digiwf.processinstanceid", Message: "digiwf.messagename",
		Integration: "digiwf.integrationname", Spring: "spring_json_header_types",
	}
}

// All lists them.
func (n Names) All() []string {
	return []string{n.Type, n.Prefix, n.Instance, n.Message, n.Integration, n.Spring}
}
