package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Start is the body of startProcessV01.
type Start struct {
	Key         string                     `json:"key"`
	FileContext *string                    `json:"fileContext"`
	Data        map[string]json.RawMessage `json:"data"`
}

// Correlate is the body of correlateMessageV01.
type Correlate struct {
	ProcessInstanceID     string                     `json:"processInstanceId,omitempty"`
	MessageName           string                     `json:"messageName"`
	BusinessKey           *string                    `json:"businessKey"`
	PayloadVariables      map[string]json.RawMessage `json:"payloadVariables"`
	PayloadVariablesLocal map[string]json.RawMessage `json:"payloadVariablesLocal"`
}

// BpmnError is the body of bpmnerror.
type BpmnError struct {
	ProcessInstanceID string `json:"processInstanceId"`
	MessageName       string `json:"messageName"`
	ErrorCode         string `json:"errorCode"`
	ErrorMessage      string `json:"errorMessage"`
}

// BpmnErrorName is the message name in a BpmnError.
const BpmnErrorName = "bpmnError"

// Incident is the body of an incident of generation 1; that of generation 2 is its
// text alone.
type Incident struct {
	ProcessInstanceID string `json:"processInstanceId"`
	MessageName       string `json:"messageName"`
	ErrorMessage      string `json:"errorMessage"`
}

// JSON writes a body. Text stays as it is, without \u003c.
func JSON(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write the message: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// Variable is a process variable with a text.
func Variable(text string) json.RawMessage {
	raw, err := JSON(text)
	if err != nil { // a text has JSON
		return json.RawMessage("null")
	}
	return raw
}
