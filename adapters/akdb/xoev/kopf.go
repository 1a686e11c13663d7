package xoev

import "regexp"

// Kopf is the header's summary in event data, the same for every XÖV-born event.
type Kopf struct {
	Standard             string  `json:"standard"`
	Version              string  `json:"version"`
	Namespace            string  `json:"namespace"`
	Element              string  `json:"element"`
	Dialekt              Dialect `json:"dialekt"`
	NachrichtenUUID      string  `json:"nachrichtenUUID,omitempty"`
	ProzessID            string  `json:"prozessID,omitempty"`
	Code                 string  `json:"code"`
	Erstellungszeitpunkt string  `json:"erstellungszeitpunkt"`
	Test                 *string `json:"test,omitempty"` // nil: no test message
	Autor                Stelle  `json:"autor"`
	Leser                Stelle  `json:"leser"`
}

// Stelle is a Party in event data.
type Stelle struct {
	Kennung string `json:"kennung,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Kopf gives the header as event data, where every field has its fixed form:
// times have a zone, standard and version are named.
func (h *Header) Kopf() Kopf {
	k := Kopf{
		Standard: h.Standard, Version: h.Version, Namespace: h.Namespace, Element: h.Element, Dialekt: h.Dialect,
		NachrichtenUUID: h.UUID, ProzessID: h.ProcessID, Code: h.Code, Erstellungszeitpunkt: WithZone(h.Created),
		Autor: Stelle(h.Autor), Leser: Stelle(h.Leser),
	}
	if h.IsTest {
		k.Test = &h.Test
	}
	if k.Standard == "" || k.Version == "" {
		k.Standard, k.Version = fromNamespace(h.Namespace)
	}
	if k.Code == "" {
		k.Code = h.Number()
	}
	return k
}

var (
	xdomeaVersion = regexp.MustCompile(`^urn:xoev-de:xdomea:schema:([0-9.]+)$`)
	xpswVersion   = regexp.MustCompile(`^http://xpsw\.domap\.de/xpsw([0-9]{2})([0-9]{2})$`)
)

// fromNamespace names standard and version of messages whose root does not:
// xdomea up to 3.1 and XPersonenstand up to 25.05.
func fromNamespace(space string) (standard, version string) {
	if m := xdomeaVersion.FindStringSubmatch(space); m != nil {
		return "xdomea", m[1]
	}
	if m := xpswVersion.FindStringSubmatch(space); m != nil {
		return "XPersonenstand", m[1] + "." + m[2]
	}
	return "unbekannt", "unbekannt"
}

// Original says in event data where the bytes of a file are kept.
type Original struct {
	Ref       string `json:"ref"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	MediaType string `json:"mediaType"`
	Filename  string `json:"filename,omitempty"`
}
