package send_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
	"github.com/amtsbote/amtsbote/hub"
)

// TestPassedOn: an application that one authority got is handed on to another, which
// runs the subscriber, and accepts it: the sender is told.
func TestPassedOn(t *testing.T) {
	t.Parallel()
	s := newService(t)
	b := blobs{}
	e := event("de.antrag.eingereicht.v1", "antrag", map[string]any{
		"antrag":        map[string]any{"id": "7d0c6a52-2a0c-4a5e-8f0b-51c8d8f4f001", "leistung": leika},
		"eingereicht":   "2026-03-03T12:00:00Z",
		"antragsdatum":  "2026-03-02",
		"zeichen":       "OD-4711",
		"rueckkanal":    map[string]any{"art": "bundid", "adresse": mailbox},
		"statusmonitor": receiver,
		"fachschema":    map[string]any{"uri": schema, "mediaType": "application/json"},
		"original":      b.reference("daten.json", "application/json", []byte(`{"name": "Rex"}`)),
		"anlagen": []any{
			map[string]any{"id": receiver, "zweck": "formular", "bezeichnung": "Antrag", "dokument": b.reference("antrag.pdf", "application/pdf", []byte("%PDF-1.7"))},
			map[string]any{"id": mailbox, "zweck": "anlage"},
		},
	})
	d := delivery("id", e)
	d.Blobs = b
	if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
		t.Fatal(err)
	}
	id := s.only(t, receiver)
	m, data, attachments := s.received(t, id, keys()[0])
	if data != `{"name": "Rex"}` || len(attachments) != 2 || attachments[0] != "%PDF-1.7" || attachments[1] != "" ||
		m.SenderReference != "OD-4711" || m.ApplicationDate != "2026-03-02" || m.StatusID != receiver || m.ReplyChannel.Address != mailbox ||
		m.Author.Name != "Stadt Beispiel" || m.Attachments[0].Purpose != "form" || m.Attachments[0].Description != "Antrag" || m.Attachments[0].Filename != "antrag.pdf" {
		t.Errorf("%+v %s %q", m, data, attachments)
	}
	there, told := s.subscribe(t), adaptertest.NewIntake()
	until(t, s.follow(t, ""), told, func() bool { return len(told.Events()) == 4 })
	if got := told.Events()[3]; got.Type() != "de.nachricht.zugestellt.v1" || field(got, "nachricht", "id") != id {
		t.Error(got)
	}
	valid(t, append(told.Events(), there...))
	if len(there) != 1 || there[0].Type() != "de.antrag.eingereicht.v1" || field(there[0], "zeichen") != "OD-4711" {
		t.Error(there)
	}
}

// subscribe runs the receiver's adapter until it has accepted what waits, and gives
// its events.
func (s *service) subscribe(t *testing.T) []hub.Event {
	t.Helper()
	for name, write := range map[string]func() ([]byte, error){
		"entschluesseln": func() ([]byte, error) { return keys()[0].WriteJWK(fit.Decryption) },
		"signieren":      func() ([]byte, error) { return keys()[1].WriteJWK(fit.Signature) },
	} {
		raw, err := write()
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, name, raw)
	}
	text := "{token-url: '" + s.url + "/token', submission-api: '" + s.url + "/submission-api', zustellpunkt: " + receiver + ", client-id: amt, client-secret: client, " +
		"schluessel: [entschluesseln], signaturschluessel: signieren, poll: 1ms, dir: amt, accept: stored}"
	x, err := dataport.Kind().Source(s.env(), adaptertest.Settings(text))
	if err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	until(t, x, in, func() bool { return len(s.Waiting(receiver)) == 0 })
	return in.Events()
}

// TestXML: data that are XML stand in the event as a text, or as a reference.
func TestXML(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const xml = "<Antrag><Name>Rex</Name></Antrag>"
	what := "{typ: de.a.b.v1, zustellpunkt: " + mailbox + ", leistung: '" + leika + "', schema: 'urn:x', datentyp: application/xml, daten: /xml}"
	sink, err := send.Kind().Sink(s.env(), s.sending(what, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := deliver(t, sink, delivery("id", event("de.a.b.v1", "1", map[string]string{"xml": xml})), 1); err != nil {
		t.Fatal(err)
	}
	m, data, _ := s.received(t, s.only(t, mailbox), keys()[3])
	if data != xml || m.Data.MIMEType != "application/xml" || m.SenderReference != "v-1" {
		t.Error(data, m)
	}
	for _, bad := range []any{map[string]any{"xml": 1}, map[string]any{}, []int{}, "x"} {
		f := hub.FaultOf(sink.Deliver(t.Context(), delivery("schlecht", event("de.a.b.v1", "2", bad))))
		if f == nil || !f.Permanent {
			t.Error(bad, f)
		}
	}
}

// TestNotJSON: data that say that they are JSON, and are not, stay here.
func TestNotJSON(t *testing.T) {
	t.Parallel()
	s, b := newService(t), blobs{}
	d := delivery("id", event("de.antrag.eingereicht.v1", "antrag", map[string]any{
		"antrag": map[string]any{"leistung": leika}, "fachschema": map[string]any{"uri": schema, "mediaType": "application/json"},
		"original": b.reference("daten", "application/json", []byte(`{"name": `)),
	}))
	d.Blobs = b
	if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || !f.Permanent || f.Code != "unmappable" {
		t.Error(f)
	}
}

// TestMetadataWritten: what is written is what the receiving side of this adapter
// asks of metadata; FITKO's own schema is asked in package fit.
func TestMetadataWritten(t *testing.T) {
	t.Parallel()
	consent := false
	m := fit.Metadata{
		Data: fit.DataPart{SHA512: strings.Repeat("a", 128), SchemaURI: schema, MIMEType: "application/json"}, DigitalConsent: &consent,
		ReplyChannel: &fit.ReplyChannel{Kind: "fitConnect"},
	}
	raw, err := m.Write(fit.MetadataVersion)
	if err != nil {
		t.Fatal(err)
	}
	read, err := fit.ReadMetadata(raw)
	if err != nil || read.ReplyChannel != nil || read.DigitalConsent == nil || *read.DigitalConsent {
		t.Error(read, err)
	}
	if !json.Valid(raw) {
		t.Error(string(raw))
	}
}
