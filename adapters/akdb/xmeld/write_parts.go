package xmeld

import (
	"regexp"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

// Parts that the messages between registers have in common, in the order of the
// XSD.

// registerName is a NameNatuerlichePerson: family name, given names, doctorate.
func (n Name) registerName(element string, doktorgrad bool) elem {
	grad := elem{}
	if doktorgrad {
		grad = opt("xmeld:doktorgrad", n.Doktorgrad)
	}
	return el(element,
		el("xmeld:familienname.unstrukturiert", name("xmeld:nachname", n.Familienname)),
		el("xmeld:vornamen", name("xmeld:vornamen", n.Vornamen)),
		grad,
	)
}

// geburt is the birth as far as it is told.
func (p Person) geburt(element string) elem {
	datum := elem{}
	if p.Geburtsdatum.Given {
		datum = p.Geburtsdatum.elem("xmeld:geburtsdatum")
	}
	return el(element, opt("xmeld:geburtsort", p.Geburtsort), datum)
}

// checkIdentity finds what an identification lacks: unlike in a form, the birth
// need not be told.
func (p *Person) checkIdentity(field string) error {
	switch {
	case p == nil:
		return unmappable(field, "is missing")
	case p.Name.Familienname == "":
		return unmappable(field+".name.familienname", "is missing")
	case !p.Geburtsdatum.Given:
		return nil
	}
	return p.Geburtsdatum.check(field + ".geburtsdatum")
}

// checkAnschrift finds what an address lacks that must be there.
func checkAnschrift(a *Anschrift, field string) error {
	if a == nil {
		return unmappable(field, "is missing")
	}
	return a.check(field)
}

// dwelling wraps an address as dwellings do: by kind of address, with the
// Sperrvermerk.
func dwelling(element string, a *Anschrift, s *Sperren, more ...elem) elem {
	kids := append([]elem{el("xmeld:anschrift", a.withVermerk("xmeld:anschrift.inland", s))}, more...)
	return el(element, kids...)
}

func (a *Anschrift) withVermerk(element string, s *Sperren) elem {
	return el(element, a.elem("xmeld:anschrift.inland"), opt("xmeld:bedingterSperrvermerk", s.vermerk()))
}

// auskunftssperren are the blocks of a person. The event says that there is a
// block on information and not which.
func (s *Sperren) auskunftssperren(element string) []elem {
	if s == nil {
		return nil
	}
	codes := s.Uebermittlungssperren
	if s.Auskunftssperre {
		codes = append([]string{generalSperre}, codes...)
	}
	return each(codes, func(c string) elem { return el(element, cd("xmeld:grund", listSperre, c)) })
}

// noPlaceFor refuses blocks that a message has no element for: a mark must not
// get lost.
func (s *Sperren) noPlaceFor(code string) error {
	if s != nil && (s.Auskunftssperre || len(s.Uebermittlungssperren) > 0) {
		return unmappable("sperren", "are set, and XMeld %s has no place for them", code)
	}
	return nil
}

// ereignisElem names a case; of one that the event does not name the message is
// the only one.
func (v Envelope) ereignisElem(element string, e *xoev.Ereignis) elem {
	if e == nil {
		e = &xoev.Ereignis{Zeitpunkt: xoev.FormatTime(v.Created), Zeichen: v.UUID}
	}
	return el(element, tx("ereignis.zeitpunkt", e.Zeitpunkt), tx("ereignis.zeichen", e.Zeichen))
}

func checkEreignis(e *xoev.Ereignis, field string) error {
	if e == nil {
		return nil
	}
	if _, ok := wellFormed(*e); !ok {
		return unmappable(field, "has no time, or a reference of more than 100 characters")
	}
	return nil
}

var codeForm = regexp.MustCompile(`^[0-9A-Za-z]{1,20}$`)
