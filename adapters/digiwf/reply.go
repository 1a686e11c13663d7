package digiwf

import (
	"encoding/json"

	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// to is whom a message goes to: the process that asked.
type to struct {
	instance, message string
	echo              []wire.Header
	gen               int
}

func (a *asked) to() to { return to{a.instance, a.message, a.echo, a.gen} }

func (o *opened) to() to { return to{o.Instance, o.Message, o.Echo, o.Generation} }

// correlate is the answer that a process waits for.
func (set *settings) correlate(t to, variables map[string]json.RawMessage) (post.Letter, error) {
	return set.letter(set.Topics.Connector, set.Types.Correlate, t, wire.Correlate{
		ProcessInstanceID: t.instance, MessageName: t.message, PayloadVariables: variables,
	})
}

// bpmnError is an error that the process's model may catch: business refuses.
func (set *settings) bpmnError(t to, code, text string) (post.Letter, error) {
	return set.letter(set.Topics.BpmnError, set.Types.BpmnError, t, wire.BpmnError{
		ProcessInstanceID: t.instance, MessageName: wire.BpmnErrorName, ErrorCode: code, ErrorMessage: text,
	})
}

// incident is a technical fault, for those who run the processes.
func (set *settings) incident(t to, text string) (post.Letter, error) {
	var body any = text
	if t.gen < 2 {
		body = wire.Incident{ProcessInstanceID: t.instance, MessageName: t.message, ErrorMessage: text}
	}
	return set.letter(set.Topics.Incident, set.Types.Incident, t, body)
}

// letter repeats the headers of the request. Its key keeps the messages of one
// process instance in one partition, in order.
func (set *settings) letter(topic, typ string, t to, body any) (post.Letter, error) {
	raw, err := wire.JSON(body)
	return post.Letter{Topic: topic, Key: t.instance, Headers: set.Headers.Headers(typ, t.echo), Body: raw}, err
}

// oweError, oweIncident and oweAnswer write a reply down to be sent; nobody can be
// told where the request named no instance.

func (d *desk) oweError(key string, t to, code, text string) error {
	l, err := d.set.bpmnError(t, code, text)
	return d.oweIf(key, t, l, err)
}

func (d *desk) oweIncident(key string, t to, text string) error {
	l, err := d.set.incident(t, text)
	return d.oweIf(key, t, l, err)
}

func (d *desk) oweAnswer(key string, t to, variables map[string]json.RawMessage) error {
	l, err := d.set.correlate(t, variables)
	return d.oweIf(key, t, l, err)
}

func (d *desk) oweIf(key string, t to, l post.Letter, err error) error {
	if err != nil || t.instance == "" {
		return err
	}
	return d.owe(key, l)
}
