package akdb

import (
	"context"
	"encoding/json"

	"github.com/amtsbote/amtsbote/adapters/akdb/xdomea"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xpsw"
	"github.com/amtsbote/amtsbote/hub"
)

// template says which message stands for an event type.
type template struct {
	standard, code string
	build          func(ctx context.Context, s *sink, d hub.Delivery) ([]byte, error)
	file           func(ctx context.Context, s *sink, d hub.Delivery) (name string, content []byte, err error)
}

// String names the message in errors.
func (t template) String() string { return t.standard + " " + t.code }

var templates = map[string]template{
	xmeld.TypeGesandt: of(xmeld.Rueckmeldung, func(s *sink, e hub.Event, d *xmeld.Gesandt) ([]byte, error) {
		return xmeld.WriteRueckmeldung(s.envelope(e, between(d.Kopf, d.Zuzugsbehoerde, d.Wegzugsbehoerde)), d, s.set.Religion)
	}),
	xmeld.TypeAusgewertet: of(xmeld.Auswertung, func(s *sink, e hub.Event, d *xmeld.Ausgewertet) ([]byte, error) {
		var leser xoev.Stelle
		if d.Zuzugsbehoerde != nil {
			leser = *d.Zuzugsbehoerde
		}
		return xmeld.WriteAuswertung(s.envelope(e, between(d.Kopf, d.Wegzugsbehoerde, leser)), d)
	}),
	xmeld.TypeTod: of(xmeld.Tod, func(s *sink, e hub.Event, d *xmeld.TodFortgeschrieben) ([]byte, error) {
		return xmeld.WriteTod(s.envelope(e, between(d.Kopf, xoev.Stelle{}, d.Leser)), d)
	}),
	xmeld.TypeAnschrift: of(xmeld.AnschriftNeu, func(s *sink, e hub.Event, d *xmeld.AnschriftFortgeschrieben) ([]byte, error) {
		return xmeld.WriteAnschrift(s.envelope(e, between(d.Kopf, xoev.Stelle{}, d.Leser)), d)
	}),
	xmeld.TypeAngefordert: of(xmeld.Anforderung, func(s *sink, e hub.Event, d *xmeld.Angefordert) ([]byte, error) {
		return xmeld.WriteAnforderung(s.envelope(e, between(d.Kopf, d.Zuzugsbehoerde, d.Wegzugsbehoerde)), d)
	}),
	xmeld.TypeBereitgestellt: of(xmeld.Bereitstellung, func(s *sink, e hub.Event, d *xmeld.Bereitgestellt) ([]byte, error) {
		return xmeld.WriteBereitstellung(s.envelope(e, between(d.Kopf, d.Wegzugsbehoerde, d.Zuzugsbehoerde)), d)
	}),
	xmeld.TypeEingegangen: of(xmeld.Meldeschein, func(s *sink, e hub.Event, d *xmeld.Eingegangen) ([]byte, error) {
		return xmeld.WriteMeldeschein(s.envelope(e, d.Kopf), d, s.set.Religion)
	}),
	xmeld.TypeStatus:          {standard: xmeld.Standard, code: xmeld.Status, build: buildStatus},
	xmeld.TypeAngenommen:      {standard: xmeld.Standard, code: xmeld.Ergebnis, build: buildAccepted},
	xmeld.TypeZurueckgewiesen: {standard: xmeld.Standard, code: xmeld.Ergebnis, build: buildRefused},
	xmeld.TypeRueckweisung:    {standard: xmeld.StandardRueckweisung, code: xmeld.Rueckweisung, build: buildRejection},
	xmeld.TypeQuittiert:       {standard: "XInneres", code: "Quittung", file: acknowledge},
	xpsw.TypeGeburt:           {standard: xpsw.Standard, code: xpsw.Geburt, file: pass},
	xpsw.TypeSterbefall:       {standard: xpsw.Standard, code: xpsw.Sterbefall, file: pass},
	xpsw.TypeGeburtsanzeige:   {standard: xpsw.Standard, code: xpsw.Geburtsanzeige, file: pass},
	xpsw.TypeSterbeanzeige:    {standard: xpsw.Standard, code: xpsw.Sterbeanzeige, file: pass},
	typeNachricht:             {standard: "XÖV", code: "message", file: pass},
	xdomea.TypeAngeboten:      {standard: "xdomea", code: xdomea.Anbieteverzeichnis, file: records(xdomea.Anbieteverzeichnis)},
	xdomea.TypeUebergeben:     {standard: "xdomea", code: xdomea.Aussonderung, file: records(xdomea.Aussonderung)},
}

// of is a message of XMeld that is built from the event's data alone.
func of[T any](code string, write func(*sink, hub.Event, *T) ([]byte, error)) template {
	return template{standard: xmeld.Standard, code: code, build: func(_ context.Context, s *sink, d hub.Delivery) ([]byte, error) {
		data, err := decodeData[T](d.Event)
		if err != nil {
			return nil, err
		}
		return write(s, d.Event, data)
	}}
}

// between is the header's author and reader: those that the message had, else
// those that the data names.
func between(k *xoev.Kopf, autor, leser xoev.Stelle) *xoev.Kopf {
	if k != nil {
		return k
	}
	return &xoev.Kopf{Autor: autor, Leser: leser}
}

// write gives the original message if the receiver may have it, else one built
// from the fields.
func (t template) write(ctx context.Context, s *sink, d hub.Delivery) (name string, content []byte, err error) {
	if t.file != nil {
		return t.file(ctx, s, d)
	}
	name = t.standard + "_" + t.code + "_" + fileUUID(d.Event) + ".xml"
	var held struct {
		Original *xoev.Original `json:"original"`
	}
	if err := json.Unmarshal(d.Event.Data(), &held); err != nil {
		return "", nil, hub.Permanent(cannotMap, "read event data: not the JSON of %s", d.Event.Type())
	}
	content, err = s.original(ctx, d, held.Original, t.code)
	if err != nil || content != nil {
		return name, content, err
	}
	content, err = t.buildOnce(ctx, s, d)
	return name, content, err
}
