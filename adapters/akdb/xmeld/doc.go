// Package xmeld turns the XMeld messages that Amtsbote understands into event
// data and back: 1704 (elektronische Anmeldung, application) and 1707 (its
// result, accepted or refused), as of XMeld 25.11a.
//
// Reading goes by local names and takes other versions too, as long as the
// elements are where 25.11a has them. Writing gives exactly 25.11a; what is
// written was held against KoSIT's XSD with xmllint.
package xmeld

// Codes of the messages that have a type of their own.
const (
	Meldeschein = "1704" // onlinedienste.anmeldung.meldeschein
	Ergebnis    = "1707" // onlinedienste.anmeldung.ergebnis
)

// Types of the events that stand for them.
const (
	TypeEingegangen     = "de.meldewesen.anmeldung-eingegangen.v1"
	TypeAngenommen      = "de.meldewesen.anmeldung-angenommen.v1"
	TypeZurueckgewiesen = "de.meldewesen.anmeldung-zurueckgewiesen.v1"
)

// Standard as it stands in the root attribute.
const Standard = "XMeld"
