package dataport_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

// one takes the only submission, and gives its event.
func one(t *testing.T, s *service, settings string) (hub.Event, *adaptertest.Intake) {
	t.Helper()
	in := adaptertest.NewIntake()
	until(t, s.source(t, settings), in, func() bool { return len(in.Events()) > 0 })
	if err := in.Breaches(); err != nil {
		t.Fatal(err)
	}
	return in.Events()[0], in
}

func content(t *testing.T, in *adaptertest.Intake, ref string) string {
	t.Helper()
	r, err := in.Blobs().Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

type body struct {
	Antrag     struct{ ID, Leistung string }
	Rueckkanal *struct{ Art, Adresse string }
	Fachschema struct{ URI, MediaType string }
	Original   struct{ Ref, MediaType string }
	Metadaten  struct{ Ref string }
	Daten      json.RawMessage
	Anlagen    []struct {
		Zweck, TypErkannt string
		Dokument          *struct{ Ref, MediaType, Filename string }
	}
}

// valid reads the data and holds them against the type's schema.
func valid(t *testing.T, e hub.Event) body {
	t.Helper()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := registry.ByID(e.DataSchema())
	if !ok {
		t.Fatal("no schema", e.DataSchema())
	}
	decoder := json.NewDecoder(bytes.NewReader(e.Data()))
	decoder.UseNumber()
	var doc any
	if err := decoder.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if violations := schema.Validate(doc); violations != nil {
		t.Errorf("the data break their schema: %v", violations)
	}
	var b body
	if err := json.Unmarshal(e.Data(), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEvent: what is in a submission is in its event, and in what that refers to.
func TestEvent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	app := application(1)
	app.Attachments = append(app.Attachments,
		fitsim.Attachment{Filename: "leer.txt", Type: "text/plain", Purpose: "report", Description: "nichts"},
		fitsim.Attachment{Filename: strings.Repeat("ä", 300) + "\n.pdf", Type: "application/pdf", Content: []byte("<html>")},
	)
	app.Metadata = map[string]any{"replyChannel": map[string]any{"idBundDeMailbox": map[string]string{"mailboxUuid": "0B799252-deb9-42b0-98d3-c50d24bbafe0"}}}
	s.put(t, app)
	e, in := one(t, s, ", ags: '02000000'")
	if e.ID() != id(1) || e.Source() != eventSource || e.Subject() != caseOf(1) || e.Extensions()[hub.AttrCorrelationID] != caseOf(1) || e.Extensions()[hub.AttrAGS] != "02000000" {
		t.Errorf("attributes %v", e.Context)
	}
	b := valid(t, e)
	if b.Antrag.ID != id(1) || b.Antrag.Leistung != "99107001017000" || b.Rueckkanal == nil || b.Rueckkanal.Art != "bundid" || b.Rueckkanal.Adresse != stranger ||
		b.Fachschema.URI != schemaURI || b.Original.MediaType != "application/json" || b.Daten != nil {
		t.Errorf("data %s", e.Data())
	}
	if got := content(t, in, b.Original.Ref); got != string(app.Data) {
		t.Errorf("the application data are %q", got)
	}
	if got := content(t, in, b.Metadaten.Ref); !strings.Contains(got, "contentStructure") {
		t.Errorf("the metadata are %q", got)
	}
	if len(b.Anlagen) != 4 {
		t.Fatalf("%d attachments", len(b.Anlagen))
	}
	if a := b.Anlagen[0]; a.Zweck != "formular" || a.TypErkannt != "application/pdf" || content(t, in, a.Dokument.Ref) != string(app.Attachments[0].Content) {
		t.Errorf("first attachment %+v", a)
	}
	if b.Anlagen[2].Dokument != nil || b.Anlagen[3].TypErkannt != "text/html" || b.Anlagen[3].Dokument.MediaType != "application/pdf" {
		t.Errorf("attachments %+v", b.Anlagen)
	}
	if bytes.Contains(e.Data(), []byte("Mustermann")) {
		t.Error("application data are in the event, and nobody asked for it")
	}
}

// TestSubjectData: JSON whose schema has a type of its own goes into the event as
// it came; XML, and other schemas, stay a reference.
func TestSubjectData(t *testing.T) {
	t.Parallel()
	const settings = ", fachdaten: [{schema: '" + schemaURI + "', typ: de.probe.antrag-eingereicht.v1}, {schema: 'urn:bekannt'}]"
	for _, c := range []struct {
		name   string
		change func(*fitsim.Application)
		typ    string
	}{
		{"JSON with a type", func(*fitsim.Application) {}, "de.probe.antrag-eingereicht.v1"},
		{"JSON, compressed as in version 1", func(a *fitsim.Application) { a.Zip = true }, "de.probe.antrag-eingereicht.v1"},
		{"XML", func(a *fitsim.Application) { a.DataType, a.Data = "application/xml", []byte(`"<antrag/>"`) }, "de.antrag.eingereicht.v1"},
		{"a schema without a type", func(a *fitsim.Application) { a.SchemaURI = "urn:bekannt" }, "de.antrag.eingereicht.v1"},
		{"another schema", func(a *fitsim.Application) { a.SchemaURI = "urn:fremd" }, "de.antrag.eingereicht.v1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			app := application(1)
			c.change(&app)
			s.put(t, app)
			e, in := one(t, s, settings)
			var b body
			if err := json.Unmarshal(e.Data(), &b); err != nil {
				t.Fatal(err)
			}
			if e.Type() != c.typ || e.DataSchema() != "urn:amtsbote:schema:"+c.typ || (b.Daten != nil) != (c.typ != "de.antrag.eingereicht.v1") {
				t.Errorf("type %s, data %s", e.Type(), e.Data())
			}
			if b.Daten != nil && !jsonEqual(t, b.Daten, app.Data) {
				t.Errorf("the application data are %s", b.Daten)
			}
			if original := content(t, in, b.Original.Ref); !strings.Contains(string(app.Data), original) {
				t.Errorf("the original is %q", original)
			}
		})
	}
}

func jsonEqual(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y bytes.Buffer
	if err := json.Compact(&x, a); err != nil {
		t.Fatal(err)
	}
	if err := json.Compact(&y, b); err != nil {
		t.Fatal(err)
	}
	return x.String() == y.String()
}

// TestRolloverAndFragments: a submission to the former key, and one whose attachment
// comes in pieces.
func TestRolloverAndFragments(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *fitsim.Options) {
		d := o.Destinations[destination]
		d.Encryption = keys()[1].Public()
		o.Destinations[destination] = d
	})
	app := application(1)
	app.Attachments[0].Fragments = 3
	s.put(t, app)
	e, in := one(t, s, "")
	b := valid(t, e)
	if len(b.Anlagen) != 2 || content(t, in, b.Anlagen[0].Dokument.Ref) != string(app.Attachments[0].Content) {
		t.Errorf("attachments %+v", b.Anlagen)
	}
}
