package ewo

import (
	"cmp"
	"regexp"
	"strings"
)

// Person is one record of the register in the one form of the package. It is
// never nil inside a *Person.
type Person struct{ tree map[string]any }

// Ordnungsmerkmal is the register's key of the person; it may change.
func (p *Person) Ordnungsmerkmal() string { return text(p.tree, "ordnungsmerkmal") }

// Others are the person's former and future Ordnungsmerkmal as far as the record
// tells.
func (p *Person) Others() (former, future string) {
	return text(p.tree, "frueheresOm"), text(p.tree, "zukuenftigesOm")
}

// Status is the personstatus: AKTUELLER_FESTER_EINWOHNER ...
func (p *Person) Status() string { return text(p.tree, "personstatus") }

// Familienname with its Namensbestandteil; a name without structure as it is.
func (p *Person) Familienname() string {
	n := object(p.tree, "namen", "familienname")
	if name := text(n, "name"); name != "" {
		return strings.TrimSpace(text(n, "namensbestandteil") + " " + name)
	}
	return text(n, "unstrukturierteSchreibweise")
}

// FamiliennameAllein is the name without its Namensbestandteil, if the register has
// them apart.
func (p *Person) FamiliennameAllein() string {
	n := object(p.tree, "namen", "familienname")
	return cmp.Or(text(n, "name"), text(n, "unstrukturierteSchreibweise"))
}

// Vornamen are all given names, in the register's order.
func (p *Person) Vornamen() string {
	var all []string
	for _, v := range list(object(p.tree, "namen"), "vornamen") {
		if name := text(object(v), "vorname"); name != "" {
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

// Doktorgrad as registered.
func (p *Person) Doktorgrad() string { return text(object(p.tree, "namen"), "doktorgrad") }

// Geburtsdatum is a date of which part may be unknown: "1985-08-12", "1985-08",
// "1985", "" for unknown.
func (p *Person) Geburtsdatum() string { return PartDate(object(p.tree, "geburtsdaten")["datum"]) }

// Sterbedatum is "" for the living, and where it is unknown; Verstorben tells.
func (p *Person) Sterbedatum() string { return PartDate(object(p.tree, "sterbedaten")["datum"]) }

// Verstorben tells whether a death is registered.
func (p *Person) Verstorben() bool { return object(p.tree, "sterbedaten") != nil }

// Staatsangehoerigkeiten are keys of three digits (Destatis); others are left
// out.
func (p *Person) Staatsangehoerigkeiten() []string {
	var all []string
	for _, v := range list(p.tree, "staatsangehoerigkeiten") {
		if key := text(object(v), "schluessel"); threeDigits.MatchString(key) {
			all = append(all, key)
		}
	}
	return all
}

var (
	threeDigits = regexp.MustCompile(`^[0-9]{3}$`)
	partDate    = regexp.MustCompile(`^[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?$`)
)

// PartDate reads a TeilbekanntesDatum: an object with datum, jahrMonat or jahr,
// or a text; date-times lose their time. "" means unknown or unreadable. Zeros
// for what is unknown ("1985-00-00") are cut off.
func PartDate(v any) string {
	s, _ := v.(string)
	if m := object(v); m != nil {
		for _, key := range []string{"datum", "jahrMonat", "jahr"} {
			if s = text(m, key); s != "" {
				break
			}
		}
	}
	s, _, _ = strings.Cut(strings.TrimSpace(s), "T")
	s = strings.TrimSuffix(strings.TrimSuffix(s, "-00"), "-00")
	if s == "0000" || !partDate.MatchString(s) {
		return ""
	}
	return s
}

// Sperren are the blocks that a record shows (§§ 51, 52 BMG).
type Sperren struct {
	// Auskunftssperre: the record has one, of whatever reason.
	Auskunftssperre bool
	// Sperrvermerk stands at an address (bedingter Sperrvermerk).
	Sperrvermerk bool
}

// Any tells whether any block is set.
func (s Sperren) Any() bool { return s != Sperren{} }

// Sperren reads the blocks. When in doubt there is one: whatever stands in
// auskunftssperre except a plain no, and every item of sperren, also one that
// has ended, since the hub cannot judge its date.
func (p *Person) Sperren() Sperren {
	mark := p.tree["auskunftssperre"]
	said := strings.ToLower(text(p.tree, "auskunftssperre"))
	none := mark == nil || mark == false || said == "false" || said == "nein" || said == "0"
	return Sperren{
		Auskunftssperre: !none || p.tree["sperren"] != nil,
		Sperrvermerk:    hasMark(p.tree["melderegisterAnschrift"]) || hasMark(p.tree["wohnungen"]),
	}
}

// hasMark looks for sperrvermerk at any depth; a value that is no boolean counts
// as set.
func hasMark(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if hasMark(item) {
				return true
			}
		}
	case map[string]any:
		for key, value := range v {
			if key == "sperrvermerk" && value != nil && value != false || hasMark(value) {
				return true
			}
		}
	}
	return false
}
