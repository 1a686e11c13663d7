package hub

import (
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
)

// Event is a CloudEvent 1.0: one fact that a specialist application
// (Fachverfahren) reports. Type is reverse DNS, past tense, without authority
// names, with a major version: de.meldewesen.wohnung-angemeldet.v1.
//
// Nothing personal stands in any attribute: personal data is in Data only.
type Event = cloudevents.Event

// Attribute names beyond the CloudEvents core that the hub reads or lets pass.
// Names follow CloudEvents extensions where there is one.
const (
	AttrCorrelationID      = "correlationid" // the case (Vorgang) that the event belongs to
	AttrCausationID        = "causationid"   // id of the event that caused this one
	AttrTraceparent        = "traceparent"   // W3C Trace Context
	AttrTracestate         = "tracestate"
	AttrDataRef            = "dataref" // claim check: where the data is
	AttrDataClassification = "dataclassification"
	AttrDataRegulation     = "dataregulation"
	AttrDataCategory       = "datacategory"
	AttrExpiryTime         = "expirytime"
	AttrSequence           = "sequence"
	AttrPartitionKey       = "partitionkey"
	// AttrReplay marks a copy that a replay (Wiederholung) has brought: the receiver was
	// sent this event before. Its value names the replay. Only the hub sets it.
	AttrReplay = "amtsbotereplay"
	AttrAGS    = "ags" // Amtlicher Gemeindeschlüssel of the place concerned, 8 digits
)

// Outcome is what became of an acknowledged event; every acknowledged event
// has exactly one, or is parked until it has.
type Outcome string

// The outcomes of an acknowledged event.
const (
	Routed      Outcome = "routed"      // one or more copies are stored for receivers
	Unrouted    Outcome = "unrouted"    // no agreement in force: rests in quarantine as no-agreement
	Quarantined Outcome = "quarantined" // refused, rests whole in quarantine with the reason
	Suppressed  Outcome = "suppressed"  // a duplicate of an event known already
	// Parked is no end: the event waits whole, because it or an earlier one of
	// its key cannot proceed, until a steward releases or returns the key.
	Parked Outcome = "parked"
)

// ReceiptSource is the source of the hub's receipts (Quittungen); no organisation may
// have it.
const ReceiptSource = "urn:amtsbote:verbund"

// IsReceipt tells whether an event is a receipt of the hub. It comes into the mailbox
// of an application that takes receipts there; a sink that has no use for it is done.
func IsReceipt(e Event) bool {
	return e.Source() == ReceiptSource && strings.HasPrefix(e.Type(), "de.amtsbote.ereignis-")
}
