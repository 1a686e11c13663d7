package zms

import (
	"encoding/json"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// envelope is what ZMS puts around each answer (schema-metaresult.json).
type envelope struct {
	Meta *struct {
		Error      json.RawMessage `json:"error"`
		Length     *number         `json:"length"`
		Reduced    json.RawMessage `json:"reducedData"`
		RetryAfter json.RawMessage `json:"retryAfter"`
	} `json:"meta"`
	Data json.RawMessage `json:"data"`
}

// readEnvelope reads an answer. What has no meta is not of ZMS.
func readEnvelope(raw []byte) (*envelope, error) {
	var e envelope
	if json.Unmarshal(raw, &e) != nil || e.Meta == nil {
		return nil, eai.BadAnswer("not the envelope of ZMS")
	}
	return &e, nil
}

func (e *envelope) failed() bool { return isTrue(e.Meta.Error) }

func (e *envelope) reduced() bool { return isTrue(e.Meta.Reduced) }

func isTrue(raw json.RawMessage) bool {
	s := string(raw)
	return s == "true" || s == `"true"` || s == "1" || s == `"1"`
}

// retryAfter is how long ZMS asks to wait, 0 for not at all.
func (e *envelope) retryAfter() time.Duration {
	var seconds number
	if len(e.Meta.RetryAfter) == 0 || json.Unmarshal(e.Meta.RetryAfter, &seconds) != nil {
		return 0
	}
	return time.Duration(min(max(seconds, 0), 3600)) * time.Second
}

// Listing is a list of processes.
type Listing struct {
	Seen []Observation
	// Unreadable are those that can become no event, each with its fault.
	Unreadable []Unreadable
	// Complete is true when whatever is not in the list was not there.
	Complete bool
}

// Unreadable is a process that cannot be read; Process is "" when not even its number
// can.
type Unreadable struct {
	Process string
	Raw     []byte
	Fault   error
}

// ReadListing reads the answer to a question for a list of processes.
func ReadListing(raw []byte) (Listing, error) {
	e, err := readEnvelope(raw)
	if err != nil {
		return Listing{}, err
	}
	return e.listing()
}

func (e *envelope) listing() (Listing, error) {
	var items list[json.RawMessage]
	if len(e.Data) == 0 || items.UnmarshalJSON(e.Data) != nil {
		return Listing{}, eai.BadAnswer("not a list of processes")
	}
	l := Listing{Complete: !e.failed() && !e.reduced() && (e.Meta.Length == nil || int(*e.Meta.Length) == len(items))}
	for _, raw := range items {
		if isFreeSlot(raw) {
			continue
		}
		o, err := ReadProcess(raw)
		if err == nil {
			l.Seen = append(l.Seen, o)
			continue
		}
		l.Unreadable = append(l.Unreadable, Unreadable{o.Process, raw, err})
		l.Complete = l.Complete && o.Process != ""
	}
	return l, nil
}

// isFreeSlot tells whether it is no process yet: a slot that could be reserved has the
// number 0 (fixture-GET_appointments_free.json).
func isFreeSlot(raw []byte) bool {
	var p struct {
		ID *number `json:"id"`
	}
	return json.Unmarshal(raw, &p) == nil && p.ID != nil && *p.ID == 0
}
