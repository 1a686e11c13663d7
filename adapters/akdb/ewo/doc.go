// Package ewo reads OK.EWO through the City of Munich's gateway
// (de.muenchen.eai.ewo, "Schema 2.0.2 Service 2.3.0"): person, personErweitert
// and the two searches. It only reads.
//
// What the gateway sends differs from what its Swagger says; [Read] brings both
// into one form:
//
//   - the subtype of a dwelling stands in "_type" (Swagger) or "@type" or
//     "_xsi:type" (real), with or without a namespace prefix: "_type" without;
//   - booleans are booleans or the texts "true" and "false": booleans;
//   - a single item of a list may stand alone: lists are lists;
//   - a person stands bare or below "person" or "personErweitert", hits below
//     "personen" or "antwort…/person…";
//   - an unknown person is an empty answer, not an error;
//   - "xmlns" and prefix leftovers of the XML before it are dropped, and so are
//     empty values.
package ewo
