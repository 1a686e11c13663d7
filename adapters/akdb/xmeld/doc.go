// Package xmeld turns messages of the resident registers into event data and
// back: those of XMeld that have an event type of their own, and the Rückweisung
// and Quittung of XInneres, which have the same header.
//
// Reading goes by local names and takes other versions too, as long as the
// elements are where 25.11a has them; see [Current]. Writing gives exactly XMeld
// 25.11a, XInneres-Rückweisung 6 and XInneres-Quittung 3; what is written was held
// against KoSIT's XSD with xmllint.
package xmeld

// Codes of the messages that have a type of their own.
const (
	Rueckmeldung    = "0201" // rueckmeldung.anmeldunginland
	Auswertung      = "0203" // rueckmeldung.auswertung
	Tod             = "0040" // fortschreibung.tod
	AnschriftNeu    = "0090" // fortschreibung.anschrift
	Anforderung     = "0300" // anmeldung.datenanforderung
	Bereitstellung  = "0301" // anmeldung.datenbereitstellung
	Quittung        = "1101" // xmeldit.datenlieferungquittung
	Meldeschein     = "1704" // onlinedienste.anmeldung.meldeschein
	Status          = "1705" // onlinedienste.anmeldung.statusmitteilung
	Ergebnis        = "1707" // onlinedienste.anmeldung.ergebnis
	Rueckweisung    = "0010" // XInneres: rueckweisung.asynchron
	SachverhaltQuit = "0020" // XInneres: quittungVonSachverhalten.quittung
)

// Types of the events that stand for them.
const (
	TypeGesandt         = "de.meldewesen.rueckmeldung-gesandt.v1"
	TypeAusgewertet     = "de.meldewesen.rueckmeldung-ausgewertet.v1"
	TypeTod             = "de.meldewesen.tod-fortgeschrieben.v1"
	TypeAnschrift       = "de.meldewesen.anschrift-fortgeschrieben.v1"
	TypeAngefordert     = "de.meldewesen.meldeschein-angefordert.v1"
	TypeBereitgestellt  = "de.meldewesen.meldeschein-bereitgestellt.v1"
	TypeEingegangen     = "de.meldewesen.anmeldung-eingegangen.v1"
	TypeStatus          = "de.meldewesen.anmeldestatus-mitgeteilt.v1"
	TypeAngenommen      = "de.meldewesen.anmeldung-angenommen.v1"
	TypeZurueckgewiesen = "de.meldewesen.anmeldung-zurueckgewiesen.v1"
	TypeRueckweisung    = "de.nachricht.zurueckgewiesen.v1"
	TypeQuittiert       = "de.nachricht.quittiert.v1"
)

// Standards as they stand in the root attribute.
const (
	Standard             = "XMeld"
	StandardRueckweisung = "XInneres-Rueckweisung"
	StandardQuittung     = "XInneres-QuittungVonSachverhalten"
)
