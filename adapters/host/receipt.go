package host

import (
	"encoding/json"

	"github.com/amtsbote/amtsbote/hub"
)

// The receipts (Quittungen) that say how an event ended.
const (
	typeAccepted  = "de.amtsbote.ereignis-angenommen.v1"
	typeRefused   = "de.amtsbote.ereignis-abgelehnt.v1"
	typeDelivered = "de.amtsbote.ereignis-zugestellt.v1"
)

// settlement reads the receipt of an outcome; ok is false for any other event.
func settlement(e *hub.Event) (s hub.Settlement, receivers []receiver, ok bool) {
	if e.Source() != hub.ReceiptSource || e.Type() != typeAccepted && e.Type() != typeRefused {
		return s, nil, false
	}
	var data struct {
		Event struct {
			Source string `json:"source"`
			ID     string `json:"id"`
			Type   string `json:"type"`
		} `json:"ereignis"`
		Receivers []receiver `json:"empfaenger"`
		Reason    *struct {
			Code string `json:"code"`
		} `json:"grund"`
	}
	if err := json.Unmarshal(e.Data(), &data); err != nil || data.Event.ID == "" {
		return s, nil, false
	}
	s.EventRef = hub.EventRef{Source: data.Event.Source, ID: data.Event.ID, Type: data.Event.Type}
	s.Outcome, s.Copies = hub.Routed, len(data.Receivers)
	if e.Type() == typeRefused {
		s.Outcome = hub.Quarantined
	}
	if data.Reason != nil {
		s.Code = data.Reason.Code
	}
	return s, data.Receivers, true
}

type receiver struct {
	Application string `json:"fachverfahren"`
	Agreement   string `json:"regel"`
}

// delivered reads the receipt of one copy that was taken; ok is false for any
// other event.
func delivered(e *hub.Event) (ref hub.EventRef, by receiver, ok bool) {
	var data struct {
		Event struct {
			Source string `json:"source"`
			ID     string `json:"id"`
			Type   string `json:"type"`
		} `json:"ereignis"`
		Receiver receiver `json:"empfaenger"`
	}
	if e.Source() != hub.ReceiptSource || e.Type() != typeDelivered {
		return ref, by, false
	}
	if err := json.Unmarshal(e.Data(), &data); err != nil || data.Event.ID == "" || data.Receiver.Application == "" {
		return ref, by, false
	}
	return hub.EventRef{Source: data.Event.Source, ID: data.Event.ID, Type: data.Event.Type}, data.Receiver, true
}
