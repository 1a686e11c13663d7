package host

import (
	"encoding/json"

	"github.com/amtsbote/amtsbote/hub"
)

// The receipts (Quittungen) that say how an event ended.
const (
	receiptSource = "urn:amtsbote:verbund"
	typeAccepted  = "de.amtsbote.ereignis-angenommen.v1"
	typeRefused   = "de.amtsbote.ereignis-abgelehnt.v1"
)

// receipt reads one; ok is false for any other event.
func receipt(e *hub.Event) (s hub.Settlement, ok bool) {
	if e.Source() != receiptSource || e.Type() != typeAccepted && e.Type() != typeRefused {
		return s, false
	}
	var data struct {
		Event struct {
			Source string `json:"source"`
			ID     string `json:"id"`
			Type   string `json:"type"`
		} `json:"ereignis"`
		Receivers []json.RawMessage `json:"empfaenger"`
		Reason    *struct {
			Code string `json:"code"`
		} `json:"grund"`
	}
	if err := json.Unmarshal(e.Data(), &data); err != nil || data.Event.ID == "" {
		return s, false
	}
	s.EventRef = hub.EventRef{Source: data.Event.Source, ID: data.Event.ID, Type: data.Event.Type}
	s.Outcome, s.Copies = hub.Routed, len(data.Receivers)
	if e.Type() == typeRefused {
		s.Outcome = hub.Quarantined
	}
	if data.Reason != nil {
		s.Code = data.Reason.Code
	}
	return s, true
}
