package digiwfsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// Process is a definition: steps one after the other.
type Process struct {
	Key   string `yaml:"key"`
	Steps []Step `yaml:"steps"`
}

// Step calls an integration, or only waits for a message.
type Step struct {
	Topic string `yaml:"topic"` // of the integration; "" only waits
	Type  string `yaml:"type"`
	// Message is what the process waits for; "" goes on at once.
	Message     string `yaml:"message"`
	Integration string `yaml:"integration"` // generation 2
	// Value of the record, a JSON text; in it the text "${name}" is the variable of
	// that name, "${name.field}" a field of it, and null when there is none.
	Value string `yaml:"value"`
	// Answer is what an integration of DigiWF's own, which the simulator plays, gives the
	// process at once: a JSON object of variables, filled as Value is.
	Answer string `yaml:"answer"`
	// If and Unless are two texts, filled as Value is: the step is left out when they
	// are not equal, or are.
	If     []string `yaml:"if"`
	Unless []string `yaml:"unless"`
	Ends   bool     `yaml:"ends"` // the process, with this step
	// Timeout is when the process gives up waiting, 0 for never: an answer after it
	// is late.
	Timeout time.Duration `yaml:"timeout"`
}

// States of an instance.
const (
	Running  = "laeuft"
	Ended    = "beendet"
	Failed   = "fehler"  // by a BPMN error
	TimedOut = "zeitaus" // waited too long
)

// Instance is a process that was started.
type Instance struct {
	ID          string                     `json:"id"`
	Key         string                     `json:"key"`
	BusinessKey string                     `json:"businessKey,omitempty"`
	State       string                     `json:"stand"`
	Step        int                        `json:"schritt"` // that it is at, from 0
	Variables   map[string]json.RawMessage `json:"variablen"`
	Errors      []string                   `json:"fehler,omitempty"` // codes of BPMN errors
	Incidents   int                        `json:"vorfaelle"`        // incidents raised
	Late        int                        `json:"verspaetet"`       // messages nobody waited for
	Messages    []string                   `json:"nachrichten"`      // names of those that came
	Sent        int                        `json:"gesendet"`         // records sent to integrations
}

// check says what is wrong with a step.
func (s Step) check() error {
	for _, texts := range [][]string{s.If, s.Unless} {
		if len(texts) != 0 && len(texts) != 2 {
			return errors.New("if and unless are two texts")
		}
	}
	if s.Answer != "" && s.Message != "" {
		return errors.New("a step has an answer or waits for a message")
	}
	if _, err := s.body(nil); err != nil {
		return err
	}
	_, err := s.answer(nil)
	return err
}

// body is the step's value with the variables put in; {} when it has none.
func (s Step) body(variables map[string]json.RawMessage) (json.RawMessage, error) {
	return filled(s.Value, variables)
}

// answer are the variables that the step's answer gives.
func (s Step) answer(variables map[string]json.RawMessage) (given map[string]json.RawMessage, err error) {
	text, err := filled(s.Answer, variables)
	if err == nil && json.Unmarshal(text, &given) != nil {
		err = errors.New("the answer of a step is no JSON object")
	}
	return given, err
}

// skipped says whether the step is left out.
func (s Step) skipped(variables map[string]json.RawMessage) bool {
	return len(s.If) == 2 && !equal(s.If, variables) || len(s.Unless) == 2 && equal(s.Unless, variables)
}

// equal compares two texts as JSON.
func equal(texts []string, variables map[string]json.RawMessage) bool {
	var both [2]any
	for i := range both {
		text, err := wire.JSON(fill(texts[i], variables))
		if err != nil || json.Unmarshal(text, &both[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(both[0], both[1])
}

func filled(text string, variables map[string]json.RawMessage) (json.RawMessage, error) {
	if text == "" {
		return json.RawMessage("{}"), nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("the value of a step is no JSON: %w", err)
	}
	return wire.JSON(fill(v, variables))
}

// fill puts variables into a value.
func fill(v any, variables map[string]json.RawMessage) any {
	switch v := v.(type) {
	case string:
		name, ok := strings.CutPrefix(v, "${")
		if path, end := strings.CutSuffix(name, "}"); ok && end {
			return lookUp(path, variables)
		}
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			out[name] = fill(value, variables)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, value := range v {
			out = append(out, fill(value, variables))
		}
		return out
	}
	return v
}

func lookUp(path string, variables map[string]json.RawMessage) any {
	name, rest, deeper := strings.Cut(path, ".")
	raw, there := variables[name]
	if !there {
		return nil
	}
	if !deeper {
		return raw
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	return lookUp(rest, fields)
}
