package console

import (
	"slices"

	"github.com/amtsbote/amtsbote/schemas"
)

// cataloguePage lists the event types.
type cataloguePage struct{ Types []typeRow }

type typeRow struct {
	Type, Title, Description string
	Personal                 bool // has fields with x-datenkategorie
}

func (q *request) catalogue() error {
	data := &cataloguePage{}
	registry := q.cfg.Hub.Federation().Schemas
	for _, name := range registry.Types() {
		s, _ := registry.Lookup(name)
		row := typeRow{Type: name, Title: q.text(s.Title, s.TitleEn), Description: q.text(s.Description, s.DescriptionEn)}
		row.Personal = slices.ContainsFunc(s.Fields(), func(f schemas.Field) bool { return f.Datenkategorie != "" })
		data.Types = append(data.Types, row)
	}
	return q.show("catalogue", q.t.Catalogue, data)
}

// text is the German text, or the English one where there is one and it is asked for.
func (q *request) text(de, en string) string {
	if q.lang == "en" && en != "" {
		return en
	}
	return de
}
