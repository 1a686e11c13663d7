package federation

import (
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/recht"
)

// Agreement is the routing rule (Übermittlungsregel): from whom, to whom, which
// types, under which law and purpose, which fields, how long.
type Agreement struct {
	ID, Title string
	From, To  []Party
	Types     []string
	Law       *recht.Law // legal basis
	Purpose   string
	Activity  string // entry in the record of processing activities (Art. 30 DSGVO)
	Where     string // CESQL, "" is always
	// Disclose lists JSON Pointers; nil is all fields.
	Disclose []string
	// Sperren is the law that lets events with a block set pass, with the mark;
	// nil lets none pass.
	Sperren *recht.Law
	// WithoutTransport says why the transport that the law prescribes is not
	// needed here; "" when it is, or the law prescribes none.
	WithoutTransport string
	// Classification is the highest dataclassification that passes.
	Classification Classification
	// Retain is how long an undelivered event waits; 0 when not limited.
	Retain time.Duration
	// Within is how soon delivery is expected; 0 when nothing is.
	Within time.Duration
	// Receipts that the sender gets beyond accepted, refused and expired, which it
	// gets in any case: ReceiptDelivered.
	Receipts []string
	Valid    Validity
	// Digest of the text to approve: "sha256:" and the digest over the agreement
	// without its approvals, and over the fields that it discloses.
	Digest   string
	Approved []Approval
	// File it stands in, relative to the directory.
	File string
}

// ReceiptDelivered is the receipt for a copy that was handed over.
const ReceiptDelivered = "delivered"

// Confirms tells whether the sender is told of each copy that was handed over.
func (a *Agreement) Confirms() bool { return slices.Contains(a.Receipts, ReceiptDelivered) }

// Unchecked tells whether the agreement rests on a norm whose wording has not
// been checked.
func (a *Agreement) Unchecked() bool {
	return a.Law.Checked == "" || a.Sperren != nil && a.Sperren.Checked == ""
}

// Party is a sender or receiver: an application acting for an authority, or the
// members of a group. Of a receiving group, Address tells which member is meant.
type Party struct {
	Application, Authority string
	Group, Address         string
}

// Approval is the consent of an authority to the text of an agreement.
type Approval struct {
	Authority string
	On        Day
	Ref       string
	Digest    string // sha256:… of the text approved
}

// Approves tells whether an authority has approved the text as it stands.
func (a *Agreement) Approves(authority string) bool {
	for _, one := range a.Approved {
		if one.Authority == authority && one.Digest == a.Digest {
			return true
		}
	}
	return false
}

// Validity is a span of days in Europe/Berlin, both inclusive. A zero Until has
// no end.
type Validity struct {
	From, Until Day
}

// Classification is a level of the CloudEvents extension dataclassification.
type Classification int

// The levels (CloudEvents data classification extension), lowest first. An
// event without the attribute is Public: its schema and agreements say what it
// is. Beyond stands for a value that the hub does not know.
const (
	Public Classification = iota
	Internal
	Confidential
	Restricted
	Beyond
)

// DefaultClassification is what an agreement or application lets pass that does
// not say.
const DefaultClassification = Confidential

var classifications = []string{"public", "internal", "confidential", "restricted"}

// ClassificationOf reads the attribute; "" is Public, an unknown value Beyond.
func ClassificationOf(attribute string) Classification {
	if attribute == "" {
		return Public
	}
	for i, name := range classifications {
		if name == attribute {
			return Classification(i)
		}
	}
	return Beyond
}

// String is the attribute's value.
func (c Classification) String() string {
	if c < 0 || int(c) >= len(classifications) {
		return "unknown"
	}
	return classifications[c]
}
