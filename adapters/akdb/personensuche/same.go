package personensuche

import (
	"slices"
	"strings"
	"unicode"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
)

// mayBe rules out who was born on another day, has another first given name, or lives
// elsewhere, where both sides say.
func mayBe(q *question, p *ewo.Person) bool {
	if p.Geburtsdatum() != q.Geburtsdatum {
		return false
	}
	has, want := firstOf(p.Vornamen()), firstOf(q.Name.Vornamen)
	return (has == "" || want == "" || has == want) && livesIn(p, q.AGS)
}

// livesIn is true also where no dwelling says its municipality. One that was left does
// not count if there is another.
func livesIn(p *ewo.Person, ags string) bool {
	var now, all []string
	for _, w := range p.Wohnungen() {
		if w.Anschrift.AGS == "" {
			continue
		}
		all = append(all, w.Anschrift.AGS)
		if w.Art == ewo.AktuelleWohnung {
			now = append(now, w.Anschrift.AGS)
		}
	}
	if len(now) > 0 {
		all = now
	}
	return len(all) == 0 || ags == "" || slices.Contains(all, ags)
}

// firstOf is the first given name; the parts of one with a hyphen are two.
func firstOf(names string) string {
	parts := strings.FieldsFunc(fold(names), func(c rune) bool { return unicode.IsSpace(c) || c == '-' })
	if len(parts) == 0 {
		return ""
	}
	return parts[0]
}

// goesBy compares family names; one without its Namensbestandteile is the same, if the
// register has them apart or they are known ones.
func goesBy(p *ewo.Person, name string) bool {
	has, alone, want := fold(p.Familienname()), fold(p.FamiliennameAllein()), fold(name)
	return want != "" && (has == want || alone == want || bare(alone) == want)
}

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// bestandteile are words before a name by which it is not sorted; there are more, and
// with one of those two names are different.
var bestandteile = []string{
	"von", "vom", "van", "zu", "zum", "zur", "und", "auf", "aus", "der", "den", "dem", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "ter", "ten",
	"freiherr", "freifrau", "freiin", "graf", "gräfin", "baron", "baronin", "ritter", "edler", "edle", "fürst", "fürstin", "prinz", "prinzessin", "herzog", "herzogin",
}

func bare(name string) string {
	parts := strings.Fields(name)
	for len(parts) > 1 && slices.Contains(bestandteile, parts[0]) {
		parts = parts[1:]
	}
	return strings.Join(parts, " ")
}
