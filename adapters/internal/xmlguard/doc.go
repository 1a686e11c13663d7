// Package xmlguard reads XML that a stranger wrote. It wraps encoding/xml,
// which lets pass a document type, processing instructions, two roots, text
// after the root, doubled attributes, undeclared prefixes and any depth, and
// refuses all of these; see [Read].
//
// Nothing is ever resolved: no entity beyond the five of XML, no XInclude, no
// schema location. A refused document gives an [*Error] with a stable code and
// a place, and never a piece of the document.
package xmlguard
