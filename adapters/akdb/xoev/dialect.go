package xoev

import (
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

const (
	xdomeaSpace  = "urn:xoev-de:xdomea:schema:"
	gewerbeSpace = "http://www.xgewerbeanzeige.de/"
)

// isHeader says whether a child of the root may be the header.
func isHeader(e *xmlguard.Element) bool {
	return e.Local == "nachrichtenkopf.g2g" || e.Local == "nachrichtenkopf" || e.Local == "Kopf"
}

// dialectOf recognises the header by its name, its namespace and the one part
// that makes it a header; NoHeader if it is something else.
func dialectOf(kopf *xmlguard.Element) Dialect {
	switch {
	case kopf.Local == "Kopf":
		if kopf.At("ProzessID") != nil && kopf.At("Nachrichtentyp") != nil {
			return XdomeaKopf
		}
	case kopf.At("identifikation.nachricht") == nil:
		return NoHeader
	case kopf.Local == "nachrichtenkopf.g2g" && kopf.Space == "":
		return G2GUnqualified
	case kopf.Local == "nachrichtenkopf.g2g":
		return G2GQualified
	case strings.HasPrefix(kopf.Space, xdomeaSpace):
		return Xdomea4
	case strings.HasPrefix(kopf.Space, gewerbeSpace):
		return XGewerbeanzeige
	default:
		return XInneresAlt
	}
	return NoHeader
}

// fill reads the header's fields by local names, as its dialect orders them.
func (h *Header) fill(kopf *xmlguard.Element) {
	h.Dialect = dialectOf(kopf)
	switch h.Dialect {
	case NoHeader:
	case XdomeaKopf:
		h.ProcessID = kopf.Value("ProzessID")
		h.Code = kopf.Value("Nachrichtentyp", "code")
		h.Created = kopf.Value("Erstellungszeitpunkt")
		h.Autor = contact(kopf.Child("Absender"))
		h.Leser = contact(kopf.Child("Empfaenger"))
	case Xdomea4:
		h.identify(kopf.Child("identifikation.nachricht"))
		h.ProcessID = kopf.Value("ProzessID")
		h.Autor = Party{Name: kopf.Value("autor", "NameInstitution", "Name")}
		h.Leser = Party{Name: kopf.Value("leser", "NameInstitution", "Name")}
	case G2GUnqualified, G2GQualified:
		h.identify(kopf.Child("identifikation.nachricht"))
		h.Autor = g2gParty(kopf.Child("autor"))
		h.Leser = g2gParty(kopf.Child("leser"))
	case XInneresAlt, XGewerbeanzeige:
		h.identify(kopf.Child("identifikation.nachricht"))
		h.Autor = oldParty(kopf.Child("autor"))
		h.Leser = oldParty(kopf.Child("leser"))
	}
}

func (h *Header) identify(id *xmlguard.Element) {
	h.UUID = strings.ToLower(id.Value("nachrichtenUUID"))
	h.Code = id.Value("nachrichtentyp", "code")
	h.CodeList, _ = id.Child("nachrichtentyp").Attr("listURI")
	h.CodeListVersion, _ = id.Child("nachrichtentyp").Attr("listVersionID")
	h.Created = id.Value("erstellungszeitpunkt")
}

func g2gParty(e *xmlguard.Element) Party {
	return Party{Kennung: e.Value("kennung"), Name: e.Value("name")}
}

func oldParty(e *xmlguard.Element) Party {
	key := e.Child("behoerdenkennung")
	return Party{
		Kennung: joinKey(key.Value("praefix", "code"), key.Value("kennung", "code")),
		Name:    e.Value("behoerdenname"),
	}
}

// contact is a Kontakt of xdomea up to 3.1. Before 3.0 the key's second half
// was called Kennung and was no Behoerdenschlüssel; it is left out.
func contact(e *xmlguard.Element) Party {
	key := e.Child("Behoerdenkennung")
	return Party{
		Kennung: joinKey(key.Value("Praefix", "code"), key.Value("Behoerdenschluessel", "code")),
		Name:    e.Value("Institution", "Name"),
	}
}

func joinKey(prefix, key string) string {
	if prefix == "" || key == "" {
		return prefix + key
	}
	return prefix + ":" + key
}
