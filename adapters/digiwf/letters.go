package digiwf

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

func (set *settings) answers(typ string) bool {
	for _, r := range set.Integration.Requests {
		for _, a := range r.Answers {
			if a.Event == typ {
				return true
			}
		}
	}
	return false
}

func (set *settings) answerRule(requestType, eventType string) *answer {
	r := set.request(requestType)
	if r == nil {
		return nil
	}
	for i := range r.Answers {
		if r.Answers[i].Event == eventType {
			return &r.Answers[i]
		}
	}
	return nil
}

// jsonData is the event's data as JSON; nil when there is none.
func jsonData(e hub.Event) (json.RawMessage, error) {
	if len(e.Data()) == 0 {
		return nil, nil
	}
	if !json.Valid(e.Data()) {
		return nil, hub.Permanent(codeUnmappable, "the event's data is no JSON")
	}
	return e.Data(), nil
}

// about are the variables that say which event it was. A process gives ceId back as
// the cause of what it publishes, and can tell by it that it was started twice.
func about(e hub.Event) map[string]json.RawMessage {
	v := map[string]json.RawMessage{}
	for name, text := range map[string]string{
		"ceId": e.ID(), "ceSource": e.Source(), "ceType": e.Type(), "ceSubject": e.Subject(),
		"ceCorrelationId": attribute(e, hub.AttrCorrelationID), "ceAgs": attribute(e, hub.AttrAGS),
	} {
		if text != "" {
			v[name] = wire.Variable(text)
		}
	}
	if !e.Time().IsZero() {
		v["ceTime"] = wire.Variable(e.Time().UTC().Format(time.RFC3339Nano))
	}
	return v
}

// variables are about, and the event's data under the rule's name.
func variables(e hub.Event, name string) (map[string]json.RawMessage, error) {
	data, err := jsonData(e)
	if err != nil {
		return nil, err
	}
	v := about(e)
	if data != nil {
		v[name] = data
	}
	return v, nil
}

// startLetter starts a process. The engine of 2022 knows no repetition: ceId is in
// the variables for whoever looks.
func (set *settings) startLetter(e hub.Event, o *out) (post.Letter, error) {
	v, err := variables(e, o.Variable)
	if err != nil {
		return post.Letter{}, err
	}
	key := cmp.Or(attribute(e, hub.AttrCorrelationID), e.ID())
	if o.Via == viaREST {
		return set.call(set.REST.Start, map[string]any{"key": o.Start, "variables": v})
	}
	return set.letter(set.Topics.Engine, set.Types.Start, to{instance: key}, wire.Start{Key: o.Start, Data: v})
}

// call is a letter by REST.
func (set *settings) call(path string, body any) (post.Letter, error) {
	raw, err := wire.JSON(body)
	return post.Letter{Path: path, Body: raw}, err
}

// correlateLetter brings a message to a process that runs already.
func (set *settings) correlateLetter(e hub.Event, o *out) (post.Letter, error) {
	v, err := variables(e, o.Variable)
	if err != nil {
		return post.Letter{}, err
	}
	instance, business, err := addressee(e, o)
	if err != nil {
		return post.Letter{}, err
	}
	if o.Via == viaREST && set.REST.Form == formEngine {
		return set.call(set.REST.Message, map[string]string{"instanceId": instance, "message": o.Correlate})
	}
	body := wire.Correlate{ProcessInstanceID: instance, MessageName: o.Correlate, PayloadVariables: v}
	if business != "" {
		body.BusinessKey = &business
	}
	if o.Via == viaREST {
		return set.call(set.REST.Message, body)
	}
	t := to{instance: cmp.Or(instance, business), message: o.Correlate, echo: []wire.Header{{Name: set.Headers.Message, Value: o.Correlate}}}
	if instance != "" {
		t.echo = append([]wire.Header{{Name: set.Headers.Instance, Value: instance}}, t.echo...)
	}
	return set.letter(set.Topics.Connector, set.Types.Correlate, t, body)
}

// addressee gives the process instance, the business key, or both.
func addressee(e hub.Event, o *out) (instance, business string, err error) {
	switch {
	case o.Instance == "correlationid":
		instance = attribute(e, hub.AttrCorrelationID)
	case o.Instance != "none":
		instance = textAt(e.Data(), o.Instance)
	}
	switch o.BusinessKey {
	case "":
	case "correlationid":
		business = attribute(e, hub.AttrCorrelationID)
	case "subject":
		business = e.Subject()
	case "id":
		business = e.ID()
	default:
		business = textAt(e.Data(), o.BusinessKey)
	}
	switch {
	case o.Instance != "none" && !wire.IsCorrelation(instance):
		return "", "", hub.Permanent(codeUnmappable, "the event names no process instance (setting instance)")
	case o.BusinessKey != "" && business == "":
		return "", "", hub.Permanent(codeUnmappable, "the event has no business key (setting business-key)")
	}
	return instance, business, nil
}

// answerLetter is what a request is answered with.
func (set *settings) answerLetter(e hub.Event, o *opened, rule *answer) (post.Letter, error) {
	data, err := jsonData(e)
	if err != nil {
		return post.Letter{}, err
	}
	switch rule.As {
	case asBpmnError:
		code := textOr(data, rule.Code, set.Integration.ErrorCode)
		if code == "" {
			return post.Letter{}, hub.Permanent(codeUnmappable, "the event has no error code (setting code)")
		}
		return set.bpmnError(o.to(), code, textOr(data, rule.Message, ""))
	case asIncident:
		return set.incident(o.to(), textOr(data, rule.Message, e.Type()))
	}
	v := about(e)
	v["eventId"] = wire.Variable(o.ID)
	if data != nil {
		v[rule.Variable] = data
	}
	return set.correlate(o.to(), v)
}

// textOr gives the text at a JSON Pointer, the rule itself when it is none, and what
// is usual when there is no rule.
func textOr(data []byte, rule, usual string) string {
	switch {
	case rule == "":
		return usual
	case strings.HasPrefix(rule, "/"):
		return textAt(data, rule)
	}
	return rule
}

// textAt gives the text or number at a JSON Pointer, "" when there is none.
func textAt(data []byte, pointer string) string {
	v := jsontext.Value(data)
	if !v.IsValid() {
		return ""
	}
	dec := jsontext.NewDecoder(strings.NewReader(string(data)))
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		if string(dec.StackPointer()) != pointer || isName(dec) {
			continue
		}
		if k := tok.Kind(); k == '"' || k == '0' {
			return tok.String()
		}
		return ""
	}
}

// isName tells whether the token just read is a name in an object, which has the
// pointer of its value.
func isName(dec *jsontext.Decoder) bool {
	kind, n := dec.StackIndex(dec.StackDepth())
	return kind == '{' && n%2 == 1
}
