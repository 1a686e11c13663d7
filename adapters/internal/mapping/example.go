package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/csvrows"
	"github.com/amtsbote/amtsbote/hub"
)

// examples judges the form of the examples; Try runs them.
func (c *compiler) examples() []exampleFile {
	if len(c.in.Beispiele) == 0 {
		c.at([]string{"beispiele"}, "is missing: a mapping has at least one example, {input: file, expect: {…}} or {input: file, refused: code}")
	}
	for i, e := range c.in.Beispiele {
		keys := []string{"beispiele", strconv.Itoa(i + 1)}
		switch {
		case e.Input == "":
			c.at(keys, "input is missing, the path of a file below the federation directory")
		case (e.Expect == nil) == (e.Refused == ""):
			c.at(keys, "must have one of expect, the data of the event, and refused, the code of the refusal")
		case e.Line != 0 && c.in.Format != CSV:
			c.at(with(keys, "line"), "belongs to format: csv")
		}
		for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
			if !slices.Contains([]string{"time", hub.AttrAGS, hub.AttrCorrelationID}, name) {
				c.at(with(keys, "attributes", name), "must be time, ags or correlationid")
			}
		}
	}
	return c.in.Beispiele
}

// Try runs the examples. The error joins a *hub.Problem for each that does not
// come out as it says; the events are those that examples gave, with the source.
func (m *Mapping) Try(source string) ([]hub.Event, error) {
	p := &problems{file: m.file, root: m.root}
	var events []hub.Event
	for i, e := range m.examples {
		keys := []string{"beispiele", strconv.Itoa(i + 1)}
		got, err := m.example(e, source)
		switch {
		case err != nil && e.Refused == "":
			p.at(keys, "is refused: %v", err)
		case err != nil && hub.FaultOf(err).Code != e.Refused:
			p.at(with(keys, "refused"), "is refused as %s", hub.FaultOf(err).Code)
		case err == nil && e.Refused != "":
			p.at(with(keys, "refused"), "becomes an event")
		case err == nil:
			m.compare(p, keys, e, got)
			events = append(events, got)
		}
	}
	return events, p.joined()
}

// example makes the event of one.
func (m *Mapping) example(e exampleFile, source string) (hub.Event, error) {
	raw, err := readBelow(m.dir, e.Input)
	if err != nil {
		return hub.Event{}, err
	}
	meta := map[string]string{}
	for name, value := range e.Meta {
		meta[strings.ToLower(name)] = value
	}
	w := With{Source: source, Key: []byte("beispiel"), ID: "beispiel", Content: raw, Meta: meta}
	doc, err := m.input(raw, e.Line)
	if err != nil {
		return hub.Event{}, err
	}
	return Set{m}.Event(doc, w)
}

func (m *Mapping) input(raw []byte, line int) (Doc, error) {
	if m.format != CSV {
		return m.Read(raw)
	}
	if _, err := csvrows.Survey(bytes.NewReader(raw), m.csv); err != nil {
		return Doc{}, err
	}
	rows, err := csvrows.Open(bytes.NewReader(raw), m.csv, m.columns)
	if err != nil {
		return Doc{}, err
	}
	for {
		row, err := rows.Next()
		switch {
		case errors.Is(err, io.EOF):
			return Doc{}, hub.Permanent("no-row", "the file has no row at that line")
		case err != nil:
			return Doc{}, err
		case line != 0 && row.Line != line:
		case row.Bad != nil:
			return Doc{}, row.Bad
		default:
			return Row(rows.Columns(), row.Fields), nil
		}
	}
}

// compare adds a problem for each place where the event is not as expected.
func (m *Mapping) compare(p *problems, keys []string, e exampleFile, got hub.Event) {
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		value := fmt.Sprint(got.Extensions()[name])
		if name == "time" {
			value = got.Time().UTC().Format("2006-01-02T15:04:05.999999999Z07:00")
		}
		if value != e.Attributes[name] {
			p.at(with(keys, "attributes", name), "the event has another (time is compared in UTC)")
		}
	}
	var data any
	dec := json.NewDecoder(bytes.NewReader(got.Data()))
	dec.UseNumber()
	if err := dec.Decode(&data); err != nil {
		p.at(keys, "the event's data is no JSON")
		return
	}
	differences(e.Expect.v, data, nil, func(at []string, what string) {
		p.at(with(keys, append([]string{"expect"}, at...)...), "%s", what)
	})
}

// differences tells each place where data is not as wanted.
func differences(want, got any, at []string, tell func(at []string, what string)) {
	w, isObject := want.(map[string]any)
	g, gotObject := got.(map[string]any)
	if isObject && gotObject {
		names := map[string]bool{}
		for _, o := range []map[string]any{w, g} {
			for name := range o {
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			_, wanted := w[name]
			_, there := g[name]
			switch {
			case !there:
				tell(with(at, name), "is expected, and the event has it not")
			case !wanted:
				tell(with(at, name), "is in the event, and not expected")
			default:
				differences(w[name], g[name], with(at, name), tell)
			}
		}
		return
	}
	wl, isList := want.([]any)
	gl, gotList := got.([]any)
	if isList && gotList && len(wl) == len(gl) {
		for i := range wl {
			differences(wl[i], gl[i], with(at, strconv.Itoa(i+1)), tell)
		}
		return
	}
	if !equal(want, got) {
		tell(at, "the event has another value, or one of another type")
	}
}

func equal(a, b any) bool {
	x, isNumber := a.(json.Number)
	y, alsoNumber := b.(json.Number)
	if isNumber && alsoNumber {
		p, ok := new(big.Rat).SetString(x.String())
		q, also := new(big.Rat).SetString(y.String())
		return ok && also && p.Cmp(q) == 0
	}
	return reflect.DeepEqual(a, b)
}

// Try runs the examples of all mappings.
func (s Set) Try(source string) ([]hub.Event, error) {
	var events []hub.Event
	var errs []error
	for _, m := range s {
		got, err := m.Try(source)
		events, errs = append(events, got...), append(errs, err)
	}
	return events, errors.Join(errs...)
}
