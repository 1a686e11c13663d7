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
	listAnlass        = list{"urn:de:xmeld:schluesseltabelle:xmeld.datenuebermittlungsanlaesse", "7"}
	listAntwort       = list{"urn:de:xmeld:schluesseltabelle:vorausgefuellter.meldeschein.antwortstatus", "2"}
	listXInneres      = list{"urn:de:xinneres:codeliste:nachrichtentyp", "4"}
	listFehler        = list{"urn:de:xinneres:codeliste:fehlercodes", "3"}
	listPraefix       = list{"urn:xoev-de:bund:bmi:bit:codeliste:dvdv.praefix", "51"}
	listAnmeldung     = list{"urn:xoev-de:xmeld:codeliste:anmeldung.status", "1"}
)

// cd is an element with a code.
func cd(name string, l list, code string) elem {
	return elem{
		Name:  name,
		Attrs: []attr{{Name: "listURI", Value: l.uri}, {Name: "listVersionID", Value: l.version}},
		Kids:  []elem{tx("code", code)},
	}
}
