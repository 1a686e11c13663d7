package digiwfsim

import (
	"encoding/json"
	"strings"
	"time"
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
	// Value of the record; a text "${name}" is the variable of that name.
	Value map[string]any `yaml:"value"`
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

// fill puts variables into a value.
func fill(v any, variables map[string]json.RawMessage) any {
	switch v := v.(type) {
	case string:
		name, ok := strings.CutPrefix(v, "${")
		if name, end := strings.CutSuffix(name, "}"); ok && end {
			if raw, there := variables[name]; there {
				return raw
			}
			return nil
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
