package wire

import (
	"errors"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Class says what a fault asks of the other side.
type Class int

// The classes.
const (
	// Retry: the same call may succeed later.
	Retry Class = iota
	// Stop: account or certificate are wrong; no call can succeed until a person
	// has done something, and further ones may lock the account.
	Stop
	// Refused: this message, or this call, can never succeed.
	Refused
	// Taken: the MessageID was used before; the message may have been delivered.
	Taken
	// Unknown: the account has no message of this MessageID (any more).
	Unknown
)

// Fault is a SOAP fault of an XTA server. Its texts are the server's and may
// quote the message, so Error names the code alone.
type Fault struct {
	// Exception is the element in Detail: PermissionDeniedException; "" if there
	// is none.
	Exception string
	// Code of urn:de:xta:webservice:codeliste:fehlernummer 1.0; "" if there is none.
	Code string
	// Text is the code's name as the server wrote it.
	Text string
}

// Error implements error.
func (f *Fault) Error() string {
	switch {
	case f.Code != "":
		return "the XTA server answered with fault " + f.Code
	case f.Exception != "":
		return "the XTA server answered with fault " + f.Exception
	}
	return "the XTA server answered with a SOAP fault that is none of XTA"
}

var classes = map[string]Class{
	"9010": Stop, "9011": Stop, "9012": Stop, "9013": Stop, "9014": Stop,
	"9020": Refused, "9021": Refused, "9022": Refused, "9023": Refused, "9024": Taken,
	"9030": Retry, "9031": Retry, "9032": Retry,
	"9050": Refused, "9051": Refused, "9052": Refused, "9060": Refused,
	"9070": Unknown,
	"9080": Refused, "9081": Refused, "9100": Refused, "9101": Refused,
}

// exceptions class 9000 (unspecified) and numbers that are not known.
var exceptions = map[string]Class{
	"PermissionDeniedException": Stop, "ParameterIsNotValidException": Refused, "XTAWSTechnicalProblemException": Retry,
	"MessageSchemaViolationException": Refused, "MessageVirusDetectionException": Refused,
	"InvalidMessageIDException": Unknown, "SyncAsyncException": Refused, "CancelDeniedException": Refused,
}

// Class gives the fault's class; one that is not known is worth another try.
func (f *Fault) Class() Class {
	if c, known := classes[f.Code]; known {
		return c
	}
	return exceptions[f.Exception]
}

// ClassOf gives the class of the Fault in err's chain; without one, Retry.
func ClassOf(err error) Class {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Class()
	}
	return Retry
}

func readFault(body *xmlguard.Element) *Fault {
	e := body.Child("Fault")
	if e == nil || e.Space != NsSOAP {
		return nil
	}
	f := &Fault{}
	detail := e.Child("Detail")
	if detail == nil {
		return f
	}
	for _, d := range detail.Children {
		if code := d.Value("errorCode", "code"); code != "" || f.Exception == "" {
			f.Exception, f.Code, f.Text = d.Local, code, d.Value("errorCode", "name")
		}
	}
	return f
}

// Node writes the fault as the body of an answer.
func (f *Fault) Node() Node {
	return El("s:Fault",
		El("s:Code", Tx("s:Value", "s:Receiver")),
		El("s:Reason", Tx("s:Text", f.Text).With("xml:lang", "de")),
		El("s:Detail", El("xta:"+f.Exception,
			El("xta:errorCode", Tx("code", f.Code), Tx("name", f.Text)).
				With("listURI", "urn:de:xta:webservice:codeliste:fehlernummer", "listVersionID", "1.0"))))
}
