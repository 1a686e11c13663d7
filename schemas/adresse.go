package schemas

import "regexp"

// Adresse is a field that names an authority and so can be the address of an
// agreement (address: data.zuzug.ags).
type Adresse struct {
	Pointer string // no array on the way
	Art     string // how it names the authority: ArtAGS, ArtARS, ArtDVDV
}

// How an address names an authority.
const (
	ArtAGS  = "ags"  // Amtlicher Gemeindeschlüssel, 8 digits
	ArtARS  = "ars"  // Amtlicher Regionalschlüssel, 12 digits
	ArtDVDV = "dvdv" // the whole DVDV key: psw:09162000
)

// agsPrefix is the DVDV prefix of the Meldebehörden.
const agsPrefix = "ags:"

var (
	agsPattern  = regexp.MustCompile(`^[0-9]{8}$`)
	arsPattern  = regexp.MustCompile(`^[0-9]{12}$`)
	dvdvPattern = regexp.MustCompile(`^[^:\s]{2,6}:[^:\s]{1,40}$`)
)

// Adresse reads the authority that the address at pointer names in the decoded
// doc, as a DVDV key: an ags as ags:<8 digits>, an ars as the ags within it
// (Land, Bezirk, Kreis, Gemeinde, without the Verband), a dvdv as it is. It is
// not ok when pointer is no address of the schema, or the value is absent, null
// or malformed.
func (s *Schema) Adresse(doc any, pointer string) (key string, ok bool) {
	art := s.artOf(pointer)
	value, isText := lookup(doc, pointer).(string)
	switch {
	case !isText:
	case art == ArtAGS && agsPattern.MatchString(value):
		return agsPrefix + value, true
	case art == ArtARS && arsPattern.MatchString(value):
		return agsPrefix + value[:5] + value[9:], true
	case art == ArtDVDV && dvdvPattern.MatchString(value):
		return value, true
	}
	return "", false
}

func (s *Schema) artOf(pointer string) string {
	for _, a := range s.Adressen {
		if a.Pointer == pointer {
			return a.Art
		}
	}
	return ""
}

// lookup gives the value at a pointer that leads through objects only; nil when
// there is none.
func lookup(doc any, pointer string) any {
	v := doc
	for pointer != "" {
		var name string
		name, pointer = step(pointer)
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// address takes the address f over, or reports why it cannot be one.
func (s *Schema) address(f Field, p *problems) {
	if !f.Leaf || !f.text || f.Repeated {
		p.at(f.at, CodeMark, "Eine Adresse muss ein einzelner Text sein, nicht in einer Liste.", "An address must be a single text, not in a list.")
		return
	}
	s.Adressen = append(s.Adressen, Adresse{f.Pointer, f.Adresse})
}
