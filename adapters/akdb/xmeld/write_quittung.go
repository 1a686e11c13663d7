package xmeld

import (
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

// quittungEdition is the module "Quittung von Sachverhalten" of
// XInneres-Basismodul 9, the newest whose XSD was found in public
// (demos-europe/demosplan-addon-xbeteiligung-async, Resources/xsd). Its header is
// the older one of XInneres.
var quittungEdition = edition{"xiqu", "http://www.osci.de/xinneres/quittung/3", StandardQuittung, "3", listXInneres}

// Sachverhalte are the codes of what can be acknowledged: 1 Auskunftssperren
// processed, 2 IdNr stored in the register, 3 Abmeldung or Löschung by the BZSt
// processed, 4 file taken over. Each says that a matter was dealt with, which only
// the application can know: none is sent because a message came.
var Sachverhalte = []string{"1", "2", "3", "4"}

// WriteQuittung builds a 0020 about one case of a message of XMeld.
func WriteQuittung(v Envelope, d *Quittiert, sachverhalt string) ([]byte, error) {
	switch lacks := v.Autor.AsAutor(); {
	case lacks != "":
		return nil, unmappable("autor", "has no %s", lacks)
	case v.Leser.Kennung == "" || v.Leser.Name == "":
		return nil, unmappable("leser", "has no kennung or no name")
	case d.Ursprung == nil || d.Ursprung.check() != nil:
		return nil, unmappable("ursprung", "is missing or incomplete")
	case !fourDigits(d.Ursprung.Code):
		return nil, unmappable("ursprung.code", "is no message of XMeld")
	case len(d.Ereignisse) != 1:
		return nil, unmappable("ereignisse", "are not exactly one: a Quittung is about one case")
	case !slices.Contains(Sachverhalte, sachverhalt):
		return nil, unmappable("sachverhalt", "is none of the list quittungsrelevanter-sachverhalt")
	}
	if err := checkEreignis(&d.Ereignisse[0], "ereignisse"); err != nil {
		return nil, err
	}
	root := elem{Name: quittungEdition.prefix + ":quittungVonSachverhalten.quittung." + SachverhaltQuit, Attrs: v.attributes(quittungEdition)}
	root.Kids = []elem{
		el("nachrichtenkopf",
			el("identifikation.nachricht",
				tx("nachrichtenUUID", strings.ToLower(v.UUID)),
				cd("nachrichtentyp", quittungEdition.nachrichten, SachverhaltQuit),
				tx("erstellungszeitpunkt", xoev.FormatTime(v.Created)),
			),
			v.Leser.elderElem("leser"),
			v.Autor.elderElem("autor"),
		),
		el("ursprungsnachricht",
			tx("nachrichtenUUID", strings.ToLower(d.Ursprung.NachrichtenUUID)),
			cd("nachrichtentyp", listNachrichten, d.Ursprung.Code),
			tx("erstellungszeitpunkt", d.Ursprung.Erstellungszeitpunkt),
		),
		el("quittung",
			v.ereignisElem("ursprungsereignis", &d.Ereignisse[0]),
			el("sachverhalt", tx("code", sachverhalt)),
		),
	}
	return render(root)
}

func fourDigits(code string) bool { return len(code) == 4 && strings.Trim(code, "0123456789") == "" }

// elderElem writes an authority as the header before nachrichtenkopf.g2g has it. Of the lists
// of keys only that of the AGS is known; those of others are UNVERIFIED.
func (b Behoerde) elderElem(name string) elem {
	prefix, key, _ := strings.Cut(b.Kennung, ":")
	keys := list{"urn:xoev-de:bund:bmi:bit:codeliste:dvdv.behoerdenschluessel", "0"}
	if strings.EqualFold(prefix, "ags") {
		keys = listAGS
	}
	var erreichbarkeit elem
	if b.Email != "" {
		erreichbarkeit = el("erreichbarkeit", el("kanal", tx("code", "01")), tx("kennung", b.Email))
	}
	return el(name,
		el("behoerdenkennung", cd("praefix", listPraefix, prefix), cd("kennung", keys, key)),
		erreichbarkeit,
		b.Anschrift.elem("anschrift"),
		tx("behoerdenname", b.Name),
	)
}
