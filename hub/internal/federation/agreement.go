package federation

import "time"

// Agreement is the routing rule (Übermittlungsregel): from whom, to whom, which
// types, under which law and purpose, which fields, how long.
type Agreement struct {
	ID, Title string
	From, To  []Party
	Types     []string
	Law       string // legal basis, key of the list of laws
	Purpose   string
	Activity  string // entry in the record of processing activities (Art. 30 DSGVO)
	Where     string // CESQL, "" is always
	// Disclose lists JSON Pointers; nil is all fields.
	Disclose []string
	// Sperren is the law that lets events with a block set pass, with the mark;
	// "" lets none pass.
	Sperren string
	// Retain is how long an undelivered event waits; 0 when not limited.
	Retain time.Duration
	Valid  Validity
	// Approved by these authorities.
	Approved []Approval
	// File it stands in, relative to the directory.
	File string
}

// Party is a sender or receiver: an application acting for an authority.
type Party struct {
	Application, Authority string
}

// Approval is the consent of an authority to the text of an agreement.
type Approval struct {
	Authority string
	On        Day
	Ref       string
	Digest    string // sha256:… of the text approved
}

// Validity is a span of days in Europe/Berlin, both inclusive. A zero Until has
// no end.
type Validity struct {
	From, Until Day
}
