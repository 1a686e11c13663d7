package event

// HubHeaders is how the names of all headers begin that the hub sets.
const HubHeaders = "Amtsbote-"

// Headers that the hub sets on what it stores. Those of senders never pass.
const (
	HeaderDelivery  = "Amtsbote-Delivery"  // stable id of a copy's delivery
	HeaderAgreement = "Amtsbote-Agreement" // id of the agreement it goes under
	HeaderIn        = "Amtsbote-In"        // in stream of the event
	HeaderSeq       = "Amtsbote-Seq"       // its sequence there
	HeaderKey       = "Amtsbote-Key"       // what order is kept by, percent-encoded
	HeaderAdapter   = "Amtsbote-Adapter"   // edge only: which adapter brought it
	HeaderCode      = "Amtsbote-Code"      // quarantine, parked: reason
	HeaderAt        = "Amtsbote-At"        // quarantine: where in the event
	HeaderKeyword   = "Amtsbote-Keyword"   // quarantine: JSON Schema keyword
	HeaderSubject   = "Amtsbote-Subject"   // quarantine, parked: subject it was sent to
	HeaderEnvelope  = "Amtsbote-Envelope"  // quarantine: the data is a JSON envelope of headers and data
	HeaderStored    = "Amtsbote-Stored"    // quarantine, parked: when the in stream stored it
	HeaderOut       = "Amtsbote-Out"       // parked copies: sequence of the copy in OUT
	HeaderReleased  = "Amtsbote-Released"  // edge only: <in stream>:<sequence> where a released event was acknowledged
	HeaderRetain    = "Amtsbote-Retain"    // copies: when they are taken out undelivered
	HeaderReceipt   = "Amtsbote-Receipt"   // copies with a Retain or Confirm: whose mailbox is told
	HeaderConfirm   = "Amtsbote-Confirm"   // copies of which the sender is told when they are handed over
	HeaderIDs       = "Amtsbote-Ids"       // trail, packs of decisions: which event ids they may be about
	HeaderReplay    = "Amtsbote-Replay"    // copies: the replay that brought them
	HeaderRound     = "Amtsbote-Round"     // edge only: the round of a release that brought it
	HeaderAct       = "Amtsbote-Act"       // edge only: sequence in QUARANTINE of the event that a steward sends again
	HeaderInstead   = "Amtsbote-Instead"   // edge only: <in stream>:<sequence> of that event, which this one supersedes
)
