package xmlguard

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// Code says why a document was refused. Codes are stable: the error catalogue
// has a sentence for each.
type Code string

// The codes of refused documents.
const (
	Syntax    Code = "XML_SYNTAX"    // not well-formed, or not exactly one root
	DTD       Code = "XML_DTD"       // has a document type declaration
	PI        Code = "XML_PI"        // has a processing instruction
	Depth     Code = "XML_DEPTH"     // nested too deeply
	Namespace Code = "XML_NAMESPACE" // undeclared prefix, or a name with two colons
	XInclude  Code = "XML_XINCLUDE"  // wants another document included
	Encoding  Code = "XML_ENCODING"  // not UTF-8, or a character XML does not allow
	Limit     Code = "XML_LIMIT"     // larger than the limits allow
)

// Error says why and where a document was refused. It holds nothing of the
// document's content.
type Error struct {
	Code         Code
	Line, Column int // from 1; the column counts characters
	What         string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s (%s)", e.Line, e.Column, e.What, e.Code)
}

// describe turns what encoding/xml reports into words of our own: its messages
// quote the document.
func describe(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "the document ends too early"
	}
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		switch {
		case syntax.Msg == "unexpected EOF":
			return "the document ends too early"
		case hasPrefix(syntax.Msg, "invalid character entity"):
			return "an entity reference that XML does not define"
		case hasPrefix(syntax.Msg, "illegal character code"):
			return "a character that XML does not allow"
		}
	}
	return "not well-formed"
}

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == prefix
}
