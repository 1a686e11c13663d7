package akdb

import (
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xpsw"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// ownType says whether a message with this root may have an event type of its
// own, for xoev.Read.
func ownType(root *xmlguard.Element) bool { return xmeld.Typed(root) || xpsw.Typed(root) }

// typed reads a message that has an event type of its own; nil if it has none.
func typed(m *xoev.Message) ([]*body, error) {
	switch {
	case m.Tree == nil:
		return nil, nil
	case xpsw.Typed(m.Tree):
		return notice(m), nil
	case m.Number() == xmeld.Rueckmeldung:
		return moves(m)
	}
	read, ok := readers[m.Number()]
	if !ok {
		return nil, nil
	}
	b, err := read(m)
	if err != nil {
		return nil, err
	}
	return []*body{b}, b.checkDocument()
}

// readers by the number of the message. xmeld.Typed has seen to it that the
// standard is the right one.
var readers = map[string]func(*xoev.Message) (*body, error){
	xmeld.Auswertung:      evaluation,
	xmeld.Tod:             death,
	xmeld.AnschriftNeu:    address,
	xmeld.Anforderung:     request,
	xmeld.Bereitstellung:  answer,
	xmeld.Meldeschein:     application,
	xmeld.Status:          status,
	xmeld.Ergebnis:        result,
	xmeld.Rueckweisung:    rejection,
	xmeld.Quittung:        acknowledgement,
	xmeld.SachverhaltQuit: acknowledgement,
}

// notice is one of XPersonenstand, or nil when it is not built as expected.
func notice(m *xoev.Message) []*body {
	eventType, data, attach, ok := xpsw.Read(m)
	if !ok {
		return nil
	}
	return []*body{{
		eventType: eventType, data: data, original: attach, correlationID: m.Origin,
		ags: agsOf(m.Leser.Kennung), sperren: xmeld.SperrenOf(m.Blocks...),
	}}
}

func moves(m *xoev.Message) ([]*body, error) {
	found, err := xmeld.ReadRueckmeldung(m)
	if err != nil {
		return nil, err
	}
	all := make([]*body, 0, len(found))
	for _, d := range found {
		b := &body{eventType: xmeld.TypeGesandt, data: d, ags: agsOf(m.Autor.Kennung), sperren: d.Sperren, original: into(&d.Original)}
		if d.Anschrift != nil {
			b.ags = d.Anschrift.AGS
		}
		all = append(all, b)
	}
	return all, nil
}

func evaluation(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadAuswertung(m)
	return &body{
		eventType: xmeld.TypeAusgewertet, data: d, ags: agsOf(m.Autor.Kennung), sperren: d.Sperren,
		correlationID: d.Ursprung.NachrichtenUUID, original: into(&d.Original),
	}, err
}

func death(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadTod(m)
	return &body{
		eventType: xmeld.TypeTod, data: d, ags: agsOf(m.Autor.Kennung), sperren: d.Sperren, original: into(&d.Original),
	}, err
}

func address(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadAnschrift(m)
	return &body{
		eventType: xmeld.TypeAnschrift, data: d, ags: d.Anschrift.AGS, sperren: d.Sperren, original: into(&d.Original),
	}, err
}

func request(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadAnforderung(m)
	return &body{eventType: xmeld.TypeAngefordert, data: d, ags: agsOf(m.Autor.Kennung), original: into(&d.Original)}, err
}

func answer(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadBereitstellung(m)
	return &body{
		eventType: xmeld.TypeBereitgestellt, data: d, ags: agsOf(m.Leser.Kennung), sperren: d.Sperren,
		correlationID: d.Ursprung.NachrichtenUUID, original: into(&d.Original),
	}, err
}

func application(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadMeldeschein(m)
	return &body{
		eventType: xmeld.TypeEingegangen, data: d, ags: d.Anschrift.AGS, sperren: d.Sperren, original: into(&d.Original),
	}, err
}

func status(m *xoev.Message) (*body, error) {
	d, pdf, err := xmeld.ReadStatus(m)
	return &body{
		eventType: xmeld.TypeStatus, data: d, ags: agsOf(m.Autor.Kennung), correlationID: d.Ursprung.NachrichtenUUID,
		original: into(&d.Original), document: into(&d.Dokument), pdf: base64Text(pdf),
	}, err
}

func result(m *xoev.Message) (*body, error) {
	r, err := xmeld.ReadErgebnis(m)
	if err != nil {
		return nil, err
	}
	b := &body{pdf: base64Text(r.PDF)}
	if d := r.Angenommen; d != nil {
		b.eventType, b.data, b.ags, b.correlationID = xmeld.TypeAngenommen, d, d.Anschrift.AGS, d.Ursprung.NachrichtenUUID
		b.original, b.document = into(&d.Original), into(&d.Meldebestaetigung)
	}
	if d := r.Zurueckgewiesen; d != nil {
		b.eventType, b.data, b.ags, b.correlationID = xmeld.TypeZurueckgewiesen, d, agsOf(m.Autor.Kennung), d.Ursprung.NachrichtenUUID
		b.original, b.document = into(&d.Original), into(&d.Bescheid)
	}
	return b, nil
}

func base64Text(s string) string { return strings.Join(strings.Fields(s), "") }

// rejection and acknowledgement are about a message of ours: both correlationid
// and causationid name it. A message that was built from an event has the event's
// id as a rule; where its header gave it another (see buildOnce), that is no event's.
func rejection(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadRueckweisung(m)
	b := &body{eventType: xmeld.TypeRueckweisung, data: d, original: into(&d.Original), sperren: d.Sperren}
	b.about(d.Ursprung)
	return b, err
}

func acknowledgement(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadQuittung(m)
	b := &body{eventType: xmeld.TypeQuittiert, data: d, original: into(&d.Original)}
	b.about(d.Ursprung)
	return b, err
}

func (b *body) about(u *xmeld.Ursprung) {
	if u != nil {
		b.correlationID, b.causationID = u.NachrichtenUUID, u.NachrichtenUUID
	}
}
