// Package refusal is the catalogue of reasons for which the hub refuses an
// event. A refusal never holds a value of the payload: a code, and where.
package refusal

import "strings"

// Code is a reason, as in the error catalogue.
type Code string

// The codes, in the order in which the gate looks.
const (
	Forged            Code = "FORGED"             // the subject does not fit the stream
	AppUnknown        Code = "APP_UNKNOWN"        // no such application in the federation
	TooLarge          Code = "TOO_LARGE"          // larger than the hub takes
	ModeMismatch      Code = "MODE_MISMATCH"      // a batch, or no CloudEvent at all
	ModeAmbiguous     Code = "MODE_AMBIGUOUS"     // structured, and headers say other than the event
	UTF8Invalid       Code = "UTF8_INVALID"       // not UTF-8
	JSONSyntax        Code = "JSON_SYNTAX"        // not JSON (RFC 8259)
	JSONTrailing      Code = "JSON_TRAILING"      // text after the JSON value
	JSONDepth         Code = "JSON_DEPTH"         // nested too deep
	DuplicateKey      Code = "DUPLICATE_KEY"      // a name twice in an object
	DuplicateHeader   Code = "DUPLICATE_HEADER"   // a header twice
	NumberLimit       Code = "NUMBER_LIMIT"       // a number too long or with too large an exponent
	CERequired        Code = "CE_REQUIRED"        // a required attribute is missing, or one is empty that must not be
	CESpecVersion     Code = "CE_SPECVERSION"     // specversion is not 1.0
	CEType            Code = "CE_TYPE"            // an attribute has a type that CloudEvents lacks
	CEAttrName        Code = "CE_ATTR_NAME"       // an attribute name is not [a-z0-9]{1,32}
	CEIntRange        Code = "CE_INT_RANGE"       // an integer beyond 32 bit
	CELimit           Code = "CE_LIMIT"           // too many or too long attributes
	CEControlChar     Code = "CE_CONTROL_CHAR"    // a control character in an attribute
	CENonchar         Code = "CE_NONCHAR"         // a Unicode noncharacter in an attribute
	CESurrogate       Code = "CE_SURROGATE"       // a lone surrogate
	CEHeader          Code = "CE_HEADER"          // a header value is not encoded as the NATS and HTTP bindings say
	CEURI             Code = "CE_URI"             // source or dataschema is no URI
	CETime            Code = "CE_TIME"            // time is not RFC 3339
	CEMediaType       Code = "CE_MEDIATYPE"       // datacontenttype is no media type
	CEBase64          Code = "CE_BASE64"          // data_base64 is not base64
	DataTwice         Code = "DATA_TWICE"         // data and data_base64
	SubjectMismatch   Code = "SUBJECT_MISMATCH"   // the NATS subject names another type
	SourceNotAllowed  Code = "SOURCE_NOT_ALLOWED" // the application does not own the source
	Conflict          Code = "CONFLICT"           // known (source, id) with other content
	TimeImplausible   Code = "TIME_IMPLAUSIBLE"   // more than 24 h ahead
	TypeUnknown       Code = "TYPE_UNKNOWN"       // no schema for this type
	SchemaUnknown     Code = "SCHEMA_UNKNOWN"     // dataschema is not the schema of the type
	MediaTypeMismatch Code = "MEDIATYPE_MISMATCH" // the payload is not what datacontenttype says
	SchemaInvalid     Code = "SCHEMA_INVALID"     // the payload breaks its schema
	WorkLimit         Code = "WORK_LIMIT"         // to hold the payload to its schema would take too long
	NoAgreement       Code = "NO_AGREEMENT"       // no agreement in force lets anybody have it
	AddressUnknown    Code = "ADDRESS_UNKNOWN"    // an agreement applies, but its address names nobody
	Internal          Code = "INTERNAL"           // a fault of the hub: report it
	ReceiverRefused   Code = "RECEIVER_REFUSED"   // the receiver can never take its copy
	SchemaGone        Code = "SCHEMA_GONE"        // decided, but the schema left the directory: parked
	NotCarriedOut     Code = "NOT_CARRIED_OUT"    // decided, but the copies cannot be made: parked
	Behind            Code = "BEHIND"             // an earlier event of its key is parked
	Returned          Code = "RETURNED"           // sent back by a steward, from where it was parked or from quarantine
	Discarded         Code = "DISCARDED"          // discarded by a steward; it rests nowhere any more
)

// Codes lists all codes, for the catalogue and its tests.
func Codes() []Code {
	return []Code{
		Forged, AppUnknown, TooLarge, ModeMismatch, ModeAmbiguous, UTF8Invalid, JSONSyntax, JSONTrailing, JSONDepth,
		DuplicateKey, DuplicateHeader, NumberLimit, CERequired, CESpecVersion, CEType, CEAttrName, CEIntRange, CELimit,
		CEControlChar, CENonchar, CESurrogate, CEHeader, CEURI, CETime, CEMediaType, CEBase64, DataTwice,
		SubjectMismatch, SourceNotAllowed, Conflict, TimeImplausible, TypeUnknown, SchemaUnknown,
		MediaTypeMismatch, SchemaInvalid, WorkLimit, NoAgreement, AddressUnknown, Internal, ReceiverRefused,
		SchemaGone, NotCarriedOut, Behind, Returned, Discarded,
	}
}

// ByPerson tells whether a steward has decided, about an event that was decided about
// before: no lane carries that out.
func (c Code) ByPerson() bool { return c == Returned || c == Discarded }

// Token is the code where a subject names it: "schema-invalid".
func (c Code) Token() string { return strings.ReplaceAll(strings.ToLower(string(c)), "_", "-") }

// Refusal says why an event is refused and where in it.
type Refusal struct {
	Code Code
	// At is an attribute name, or a JSON Pointer into the payload beginning
	// with "/data"; "" when the whole is meant.
	At string
	// Keyword is the JSON Schema keyword that failed, for SCHEMA_INVALID.
	Keyword string
}

// Error implements error.
func (r *Refusal) Error() string {
	s := string(r.Code)
	if r.At != "" {
		s += " at " + r.At
	}
	if r.Keyword != "" {
		s += " (" + r.Keyword + ")"
	}
	return s
}

// At makes a refusal.
func At(code Code, where string) *Refusal { return &Refusal{Code: code, At: where} }
