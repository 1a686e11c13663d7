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
		Autor: h.Autor.stelle(), Leser: h.Leser.stelle(),
	}
	if h.IsTest {
		test := cut(h.Test, longestTest)
		k.Test = &test
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

// What is said in free text is cut where event data ends.
const (
	longestName = 500
	longestTest = 200
)

func (p Party) stelle() Stelle { return Stelle{Kennung: p.Kennung, Name: cut(p.Name, longestName)} }

func cut(s string, most int) string {
	for i := range s {
		if most--; most < 0 {
			return s[:i]
		}
	}
	return s
}

// Unknown is the standard and version of a message that names neither.
const Unknown = "unbekannt"

// fromNamespace names standard and version of messages whose root does not:
// xdomea up to 3.1 and XPersonenstand up to 25.05.
func fromNamespace(space string) (standard, version string) {
	if m := xdomeaVersion.FindStringSubmatch(space); m != nil {
		return "xdomea", m[1]
	}
	if m := xpswVersion.FindStringSubmatch(space); m != nil {
		return "XPersonenstand", m[1] + "." + m[2]
	}
	return Unknown, Unknown
}

// Original says in event data where the bytes of a file are kept.
type Original struct {
	Ref       string `json:"ref"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	MediaType string `json:"mediaType"`
	Filename  string `json:"filename,omitempty"`
}
