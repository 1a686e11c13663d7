package wire

import (
	"encoding/json"
	"errors"
	"regexp"
	"time"

	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Envelope is the body of publishEvent: a process says which event it reports.
type Envelope struct {
	Type          string
	Subject       string
	CorrelationID string
	CausationID   string
	Time          time.Time
	Data          json.RawMessage // as it stands there; {} when there is none
}

// The faults of an Envelope; none quotes it.
var (
	ErrNoJSON      = errors.New("the value is no JSON object, or not a strict one")
	ErrType        = errors.New("ceType is missing or no event type like de.thema.geschehen.v1")
	ErrSubject     = errors.New("ceSubject must be 1 to 128 of A-Za-z0-9._:-")
	ErrCorrelation = errors.New("ceCorrelationId must be 8 to 64 of A-Za-z0-9_-")
	ErrCausation   = errors.New("ceCausationId must be 1 to 128 of A-Za-z0-9._:-")
	ErrTime        = errors.New("ceTime is no time of RFC 3339")
)

var (
	typeForm    = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+\.v[0-9]{1,4}$`)
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)
	correlation = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)
)

// IsEventType tells whether it is reverse DNS with a major version.
func IsEventType(s string) bool { return len(s) <= 200 && typeForm.MatchString(s) }

// IsCorrelation tells whether the hub takes it as a correlationid, which instances
// of processes must fit too.
func IsCorrelation(s string) bool { return correlation.MatchString(s) }

// IsObject tells whether raw is one JSON object, strictly: no name twice, UTF-8.
func IsObject(raw []byte) bool {
	v := jsontext.Value(raw)
	return v.IsValid() && v.Kind() == '{'
}

// ReadEnvelope reads the value of a record; names that it does not know it leaves.
func ReadEnvelope(raw []byte) (Envelope, error) {
	var in struct {
		Type          string         `json:"ceType"`
		Subject       string         `json:"ceSubject"`
		CorrelationID string         `json:"ceCorrelationId"`
		CausationID   string         `json:"ceCausationId"`
		Time          string         `json:"ceTime"`
		Data          jsontext.Value `json:"data"`
	}
	if !IsObject(raw) || strict.Unmarshal(raw, &in) != nil {
		return Envelope{}, ErrNoJSON
	}
	e := Envelope{Type: in.Type, Subject: in.Subject, CorrelationID: in.CorrelationID, CausationID: in.CausationID, Data: json.RawMessage(in.Data)}
	if len(e.Data) == 0 || in.Data.Kind() == 'n' {
		e.Data = json.RawMessage("{}")
	}
	if in.Time != "" {
		at, err := time.Parse(time.RFC3339Nano, in.Time)
		if err != nil || at.Year() < 1 || at.Year() > 9999 {
			return Envelope{}, ErrTime
		}
		e.Time = at
	}
	return e, e.check()
}

func (e Envelope) check() error {
	switch {
	case !IsEventType(e.Type):
		return ErrType
	case e.Subject != "" && !nameForm.MatchString(e.Subject):
		return ErrSubject
	case e.CorrelationID != "" && !IsCorrelation(e.CorrelationID):
		return ErrCorrelation
	case e.CausationID != "" && !nameForm.MatchString(e.CausationID):
		return ErrCausation
	}
	return nil
}
