package personensuche

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// okewo asks the search of the city's OK.EWO. It asks the extended one, since only
// that shows all blocks.
type okewo struct {
	set     register
	gateway *eai.Lazy
	log     *zap.Logger
}

// search logs the question before it is asked. The gateway has no place for an id of it.
func (o *okewo) search(ctx context.Context, asked auskunft.Question, q *question) (found, error) {
	if !slices.Contains(o.set.AGS, q.AGS) {
		return found{}, hub.Permanent(auskunft.Unmappable, "the person is sought in a municipality whose register this is not (setting register.ags)")
	}
	if _, err := time.Parse(time.DateOnly, q.Geburtsdatum); err != nil {
		return found{}, hub.Permanent(auskunft.Unmappable, "OK.EWO's search needs a whole date of birth")
	}
	gateway, err := o.gateway.Client()
	if err != nil {
		return found{}, hub.Retryable("settings", "ask OK.EWO: %w", err)
	}
	o.log.Info("personensuche: asks OK.EWO", zap.String("delivery", asked.Delivery), zap.String("event", asked.ID))
	hits, err := (&ewo.Client{EAI: gateway, BenutzerID: o.set.BenutzerID}).SearchErweitert(ctx, ewo.Suche{
		Familienname: q.Name.Familienname, Vorname: q.Name.Vornamen, Geburtsdatum: &ewo.SuchDatum{Datum: q.Geburtsdatum},
	})
	if err != nil {
		return found{}, auskunft.Fault(err)
	}
	return found{data: judge(q, hits)}, nil
}

// judge counts the hits that may be meant. How the search compares names is not known:
// one hit of another family name is not taken for the person. The blocks of all hits
// count, also of those that are not meant: in doubt too much is held back.
func judge(q *question, hits []*ewo.Person) *data {
	sperren := sperrenOf(hits)
	hits = slices.DeleteFunc(hits, func(p *ewo.Person) bool { return !mayBe(q, p) })
	var d *data
	switch {
	case len(hits) == 0:
		d = &data{Ergebnis: nichtGefunden}
	case len(hits) > 1 || !goesBy(hits[0], q.Name.Familienname):
		d = &data{Ergebnis: mehrdeutig}
	default:
		d = recordOf(hits[0])
	}
	d.Sperren = sperren
	return d
}

func sperrenOf(hits []*ewo.Person) *xmeld.Sperren {
	var s xmeld.Sperren
	for _, p := range hits {
		has := p.Sperren()
		s.Auskunftssperre = s.Auskunftssperre || has.Auskunftssperre
		s.BedingterSperrvermerk = s.BedingterSperrvermerk || has.Sperrvermerk
	}
	if !s.Auskunftssperre && !s.BedingterSperrvermerk {
		return nil
	}
	return &s
}

// recordOf takes over what the event has a place for. The sex is left out: how the
// register writes it is not known.
func recordOf(p *ewo.Person) *data {
	d := &data{Ergebnis: gefunden, Person: &person{
		Name:                   &xmeld.Name{Familienname: p.Familienname(), Vornamen: p.Vornamen(), Doktorgrad: p.Doktorgrad()},
		Geburtsdatum:           xmeld.PartDate{Given: true, Value: p.Geburtsdatum()},
		Staatsangehoerigkeiten: p.Staatsangehoerigkeiten(),
		Verstorben:             p.Verstorben(),
	}}
	if w, ok := p.Hauptwohnung(); ok {
		a := w.Anschrift
		d.Anschrift = whole(xmeld.Anschrift{
			AGS: a.AGS, Strasse: a.Strasse, Hausnummer: a.Hausnummer, HausnummerZusatz: a.HausnummerZusatz,
			PLZ: a.PLZ, Ort: a.Ort, Zusatz: a.Zusatz,
		})
	}
	return d
}

var (
	countryForm = regexp.MustCompile(`^[0-9]{3}$`)
	plzForm     = regexp.MustCompile(`^[0-9]{5}$`)
)

// whole gives an address that has what the event's must have, nil for another.
func whole(a xmeld.Anschrift) *xmeld.Anschrift {
	if !agsForm.MatchString(a.AGS) || !plzForm.MatchString(a.PLZ) || a.Strasse == "" || a.Ort == "" {
		return nil
	}
	return &a
}

func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}
