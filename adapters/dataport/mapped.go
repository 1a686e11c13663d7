package dataport

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// mappings are those of the application data of one schema, by their settings.
type mappings map[string]mapping.Set

// formats of mappings, by the media type of the data.
var formats = map[string]string{"application/json": mapping.JSON, "application/xml": mapping.XML}

// loadMappings reads and compiles what fachdaten names; errors join what is wrong.
func (set *settings) loadMappings(env hub.Env, s hub.Settings) error {
	var errs []error
	set.maps = mappings{}
	for i, f := range set.Fachdaten {
		for _, name := range f.Mappings {
			m, err := mapping.Load(env.Federation, name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if text := unfit(m, set.maps[f.Schema]); text != "" {
				errs = append(errs, s.Errorf(fmt.Sprintf("fachdaten.%d.mappings", i), "%s %s", name, text))
			}
			set.maps[f.Schema] = append(set.maps[f.Schema], m)
		}
	}
	return errors.Join(errs...)
}

// unfit says why a mapping is not one of application data, beside those before.
func unfit(m *mapping.Mapping, before mapping.Set) string {
	switch {
	case m.Format() == mapping.CSV:
		return "is a mapping of csv; application data are json or xml"
	case len(before) > 0 && before[0].Format() != m.Format():
		return "is of another format than the first"
	case m.MetaID() != "":
		return "makes the id of what comes beside the document, and nothing does: write id: {content: true}"
	}
	return ""
}

// try runs the examples, and gives the events that would come of them.
func (set *settings) try() (samples []hub.Event, err error) {
	var errs []error
	for _, f := range set.Fachdaten {
		got, err := set.maps[f.Schema].Try(set.Source)
		errs = append(errs, err)
		for _, e := range got {
			one, err := set.sample(f, e)
			samples, errs = append(samples, one), append(errs, err)
		}
	}
	return samples, errors.Join(errs...)
}

// sample is what an example becomes as the application data of a submission.
func (set *settings) sample(f fachdaten, mapped hub.Event) (hub.Event, error) {
	const id, theCase = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	a := &application{Eingereicht: "2026-01-02T03:04:05Z", Fachschema: &fachschema{f.Schema, "application/json"}}
	a.Antrag.ID, a.Antrag.Leistung = id, "99000000000000"
	a.Original = &blob{Ref: "blob:beispiel", SHA256: strings.Repeat("0", 64), Size: 1, MediaType: "application/json"}
	a.Metadaten, a.Anlagen = a.Original, []anlage{{ID: id, Zweck: "anlage", Dokument: a.Original}}
	m := &mappedData{mapped.Type(), mapped.Data(), agsOf(mapped)}
	data, err := m.within(a, f.Huelle)
	if err != nil {
		return hub.Event{}, err
	}
	e := hub.Event{Context: mapped.Context.Clone()}
	e.SetID(id)
	e.SetSubject(theCase)
	e.SetExtension(hub.AttrCorrelationID, theCase)
	e.SetDataSchema(schemaPrefix + e.Type())
	if set.AGS != "" {
		e.SetExtension(hub.AttrAGS, set.AGS)
	}
	return e, e.SetData("application/json", data)
}

// check judges settings and mappings, and runs the mappings' examples.
func check(env hub.Env, s hub.Settings) ([]hub.Event, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	return set.try()
}

// mappedData is what mappings made of application data.
type mappedData struct {
	typ  string
	data []byte // a JSON object
	ags  string // "" where the mapping does not say it
}

// digest tells what was made from what would be made otherwise.
func (m *mappedData) digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", m.typ, m.ags, m.data))
	return hex.EncodeToString(sum[:])
}

func agsOf(e hub.Event) string {
	ags, _ := e.Extensions()[hub.AttrAGS].(string)
	return ags
}

// mapped makes fields of the application data. What the mappings refuse is ours:
// they may be wrong, and not the data.
func (s *source) mapped(o *opened) (*mappedData, error) {
	maps := s.set.maps[o.metadata.Data.SchemaURI]
	switch {
	case o.data == nil || len(maps) == 0:
		return nil, nil
	case maps[0].Format() != formats[o.metadata.Data.MIMEType]:
		return nil, ours("fit-mapping", "the data are not of the format of the mappings of their schema")
	}
	raw, err := o.subjectData()
	if err != nil {
		return nil, err
	}
	doc, err := maps[0].Read(raw)
	if err != nil {
		return nil, mappingRefusal(err)
	}
	e, err := maps.Event(doc, mapping.With{Source: s.set.Source, ID: o.Submission, Content: raw})
	if err != nil {
		return nil, mappingRefusal(err)
	}
	return &mappedData{e.Type(), e.Data(), agsOf(e)}, nil
}

// mappingRefusal keeps the code and the rule that was broken.
func mappingRefusal(err error) error {
	f := hub.FaultOf(err)
	return ours("fit-mapping-"+f.Code, "the data: %v", f.Unwrap())
}

// within puts parts of what the submission says beside the mapped data, under
// their own names; what the mapping has made stands first.
func (m *mappedData) within(a *application, names []string) ([]byte, error) {
	if len(names) == 0 {
		return m.data, nil
	}
	hull, err := json.Marshal(a)
	var parts, all map[string]json.RawMessage
	if err == nil {
		err = errors.Join(json.Unmarshal(hull, &parts), json.Unmarshal(m.data, &all))
	}
	if err != nil {
		return nil, errors.New("write event data: not an object") // the cause quotes the data
	}
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	for _, name := range names {
		if _, made := all[name]; !made && parts[name] != nil {
			all[name] = parts[name]
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, errors.New("write event data: no JSON")
	}
	return raw, nil
}

// hull are the members that can stand beside mapped data.
var hull = []string{
	"antrag", "eingereicht", "antragsdatum", "zeichen", "onlinedienst", "rueckkanal", "statusmonitor", "bescheidDigital", "fachschema",
	"original", "metadaten", "anlagen",
}

// mappingProblem says what cannot be.
func (f fachdaten) mappingProblem() string {
	switch {
	case f.Typ != "" && len(f.Mappings) > 0:
		return "typ and mappings exclude each other: a mapping names the type itself"
	case len(f.Huelle) > 0 && len(f.Mappings) == 0:
		return "huelle belongs to mappings"
	}
	for _, name := range f.Huelle {
		if !slices.Contains(hull, name) {
			return "huelle has members of " + generalType + " but daten"
		}
	}
	return ""
}
