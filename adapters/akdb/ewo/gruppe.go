package ewo

import (
	"encoding/json"
	"slices"
)

// Gruppe names a group of fields of a record, to say what changed without
// saying from what to what.
type Gruppe string

// The groups. A field that is in none of the others belongs to Sonstiges:
// religion is there on purpose, so that a change of it has no name.
const (
	GruppeName                 Gruppe = "name"
	GruppeGeburt               Gruppe = "geburt"
	GruppeGeschlecht           Gruppe = "geschlecht"
	GruppeAnschrift            Gruppe = "anschrift"
	GruppeFamilienstand        Gruppe = "familienstand"
	GruppeFamilie              Gruppe = "familie"
	GruppeStaatsangehoerigkeit Gruppe = "staatsangehoerigkeit"
	GruppeSterbefall           Gruppe = "sterbefall"
	GruppeSperren              Gruppe = "sperren"
	GruppeStatus               Gruppe = "status"
	GruppeAusweis              Gruppe = "ausweis"
	GruppeOrdnungsmerkmal      Gruppe = "ordnungsmerkmal"
	GruppeSonstiges            Gruppe = "sonstiges"
)

var gruppen = map[string]Gruppe{
	"namen": GruppeName, "fruehereNamen": GruppeName, "doktorgradNachweis": GruppeName,
	"geburtsdaten":           GruppeGeburt,
	"geschlecht":             GruppeGeschlecht,
	"melderegisterAnschrift": GruppeAnschrift, "wohnungen": GruppeAnschrift, "zuzugsdaten": GruppeAnschrift,
	"familienstanddaten": GruppeFamilienstand,
	"partner":            GruppeFamilie, "kinder": GruppeFamilie, "vertreter": GruppeFamilie,
	"staatsangehoerigkeiten": GruppeStaatsangehoerigkeit, "artStaatsangehoerigkeit": GruppeStaatsangehoerigkeit,
	"verlustDeutscheStaatsangehoerigkeit": GruppeStaatsangehoerigkeit, "optionsDeutscherDaten": GruppeStaatsangehoerigkeit,
	"sterbedaten":     GruppeSterbefall,
	"auskunftssperre": GruppeSperren, "sperren": GruppeSperren,
	"personstatus":    GruppeStatus,
	"passdaten":       GruppeAusweis,
	"ordnungsmerkmal": GruppeOrdnungsmerkmal, "frueheresOm": GruppeOrdnungsmerkmal, "zukuenftigesOm": GruppeOrdnungsmerkmal,
}

// Gruppen gives the content of each group that is not empty, as JSON with
// sorted keys: equal bytes for equal content.
func (p *Person) Gruppen() (map[Gruppe][]byte, error) {
	parts := map[Gruppe]map[string]any{}
	for _, key := range keys(p.tree) {
		g, named := gruppen[key]
		if !named {
			g = GruppeSonstiges
		}
		if parts[g] == nil {
			parts[g] = map[string]any{}
		}
		parts[g][key] = p.tree[key]
	}
	out := make(map[Gruppe][]byte, len(parts))
	for g, part := range parts {
		raw, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		out[g] = raw
	}
	return out, nil
}

// AlleGruppen lists the groups by name.
func AlleGruppen() []Gruppe {
	all := []Gruppe{GruppeSonstiges}
	for _, g := range gruppen {
		if !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	slices.Sort(all)
	return all
}
