package xmeld

// list is a code list with the version that is written.
type list struct{ uri, version string }

// The code lists of what is written, in the versions of XMeld 25.11a; where the
// message carries the version, the one current when this was written.
var (
	listNachrichten   = list{"urn:de:xmeld:schluesseltabelle:xmeld.nachrichten", "25.11a"}
	listVerzeichnis   = list{"urn:xoev-de:kosit:codeliste:verzeichnisdienst", "3"}
	listKanal         = list{"urn:de:xoev:codeliste:erreichbarkeit", "3"}
	listAGS           = list{"urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:ags", "2026-04-30"}
	listGeschlecht    = list{"urn:xoev-de:xinneres:codeliste:geschlecht", "1"}
	listStaat         = list{"urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:staatsangehoerigkeit", "2024-08-01"}
	listReligion      = list{"urn:de:dsmeld:schluesseltabelle:religion.steuererhebend", "1"}
	listFamilienstand = list{"urn:de:dsmeld:schluesseltabelle:familienstand", "2"}
	listSperre        = list{"urn:de:dsmeld:schluesseltabelle:auskunftssperre", "7"}
	listStatus        = list{"urn:de:dsmeld:schluesseltabelle:wohnungsstatus", "2"}
	listAnmeldung     = list{"urn:xoev-de:xmeld:codeliste:anmeldung.status", "1"}
)

// cd is an element with a code.
func cd(name string, l list, code string) elem {
	return elem{
		name:  name,
		attrs: []attr{{"listURI", l.uri}, {"listVersionID", l.version}},
		kids:  []elem{tx("code", code)},
	}
}
