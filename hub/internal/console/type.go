package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/schemas"
)

// typePage is the schema of an event type, readable.
type typePage struct {
	*schemas.Schema
	Heading, Text string
	Fields        []fieldRow
	Versions      []string
	Against       string // the version that Changes are from; "" for none
	Changes       []changeRow
	Examples      []exampleRow
	Senders       partyList
	Receivers     partyList
	Raw           string
	Keep          time.Duration
}

type changeRow struct {
	schemas.Change
	What string
}

type exampleRow struct {
	schemas.Example
	Text string
}

type fieldRow struct {
	schemas.Field
	Label, Text string
	Depth       int
}

func (q *request) eventType() error {
	fed := q.cfg.Hub.Federation()
	s, ok := fed.Schemas.Lookup(q.r.PathValue("type"))
	if !ok {
		return errNotFound
	}
	data := &typePage{Schema: s, Heading: q.text(s.Title, s.TitleEn), Text: q.text(s.Description, s.DescriptionEn), Keep: s.Keep}
	for _, f := range s.Fields() {
		data.Fields = append(data.Fields, fieldRow{f, q.text(f.Title, f.TitleEn), q.text(f.Description, f.DescriptionEn), strings.Count(f.Pointer, "/") - 1})
	}
	family := s.Type[:strings.LastIndexByte(s.Type, '.')+1]
	for _, other := range fed.Schemas.Types() {
		if strings.HasPrefix(other, family) && !strings.Contains(other[len(family):], ".") {
			data.Versions = append(data.Versions, other)
		}
	}
	slices.SortFunc(data.Versions, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	data.Senders, data.Receivers = q.parties(fed, s.Type)
	if err := q.compare(fed, s, data); err != nil {
		return err
	}
	for _, e := range s.Examples() {
		data.Examples = append(data.Examples, exampleRow{Example: e, Text: string(e.Raw)})
	}
	var out bytes.Buffer
	if json.Indent(&out, s.Raw, "", "  ") == nil {
		data.Raw = out.String()
	}
	return q.show("type", data.Heading, data)
}

// compare adds what is different from the version that ?against= names, else from the
// one before.
func (q *request) compare(fed *federation.Federation, s *schemas.Schema, data *typePage) error {
	data.Against = q.r.FormValue("against")
	switch at := slices.Index(data.Versions, s.Type); {
	case data.Against == "" && at > 0:
		data.Against = data.Versions[at-1]
	case data.Against == "":
		return nil
	case data.Against == s.Type || !slices.Contains(data.Versions, data.Against):
		return errNotFound
	}
	old, _ := fed.Schemas.Lookup(data.Against)
	for _, c := range schemas.Diff(old, s) {
		data.Changes = append(data.Changes, changeRow{c, q.t.change(c.Kind)})
	}
	return nil
}

// version is the number at the end of a type; 0 when there is none.
func version(typ string) int {
	n, err := strconv.Atoi(typ[strings.LastIndex(typ, ".v")+2:])
	if err != nil {
		return 0
	}
	return n
}
