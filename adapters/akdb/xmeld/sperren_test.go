package xmeld_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

func blocksOf(t *testing.T, message string) *xmeld.Sperren {
	t.Helper()
	m, err := xoev.Read(strings.NewReader(message), xmlguard.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return xmeld.SperrenOf(m.Blocks...)
}

func TestSperrenOf(t *testing.T) {
	for inner, want := range map[string]*xmeld.Sperren{
		"": nil,
		"<auskunftssperre>false</auskunftssperre><verringerterDatenumfang>false</verringerterDatenumfang>":                                  nil,
		"<auskunftssperre><auskunftssperreLiegtVor>false</auskunftssperreLiegtVor></auskunftssperre>":                                       nil,
		"<auskunftssperre><bis>2027-01-01</bis></auskunftssperre>":                                                                          {Auskunftssperre: true},
		"<auskunftsUndUebermittlungsperren><grund><code>5</code></grund></auskunftsUndUebermittlungsperren>":                                {Uebermittlungssperren: []string{"5"}},
		"<auskunftsUndUebermittlungsperren/>":                                                                                               {Auskunftssperre: true},
		"<verringerterDatenumfang>true</verringerterDatenumfang>":                                                                           {Auskunftssperre: true},
		"<widerspruecheUebermittlungssperren><eintragung><code>7</code></eintragung></widerspruecheUebermittlungssperren>":                  {Uebermittlungssperren: []string{"7"}},
		"<widerspruecheUebermittlungssperren><x/></widerspruecheUebermittlungssperren><uebermittlungssperre/>":                              {Uebermittlungssperren: []string{"unbekannt"}},
		"<ergebnisWiderspruecheUebermittlungssperren><y><z/></y></ergebnisWiderspruecheUebermittlungssperren>":                              {Uebermittlungssperren: []string{"unbekannt"}},
		"<auskunftssperre><auskunftssperre.auswerter><grund><code>1</code></grund></auskunftssperre.auswerter></auskunftssperre>":           {Auskunftssperre: true},
		"<auskunftssperre><uebermittlungssperre.auswerter><grund><code>2</code></grund></uebermittlungssperre.auswerter></auskunftssperre>": {Uebermittlungssperren: []string{"2"}},
		"<a><bedingterSperrvermerk>true</bedingterSperrvermerk></a>":                                                                        {BedingterSperrvermerk: true},
	} {
		if d := cmp.Diff(want, blocksOf(t, "<m><p>"+inner+"</p></m>")); d != "" {
			t.Errorf("%s: %s", inner, d)
		}
	}
}

// TestEveryBlockOfXMeld: every element that the schemas give the type of a block, or
// of a block's code, is found where it stands.
func TestEveryBlockOfXMeld(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(interop.Path(t, "data", "xoev", "xmeld", "schema"), "*.xsd"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		for _, path := range blockElements(t, file) {
			found++
			inner := "<grund><code>1</code></grund>"
			for i := len(path) - 1; i >= 0; i-- {
				inner = "<" + path[i] + ">" + inner + "</" + path[i] + ">"
			}
			if len(path) == 1 {
				inner = "<m>" + inner + "</m>"
			}
			if blocksOf(t, inner) == nil {
				t.Errorf("%s: %s is not found", filepath.Base(file), strings.Join(path, "/"))
			}
		}
	}
	if found < 25 {
		t.Errorf("the schemas have %d such elements", found)
	}
}

// blockElements gives the names of such an element and of those around it, as far
// as the schema nests them.
func blockElements(t *testing.T, file string) (all [][]string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(strings.NewReader(string(content)))
	var open []string
	for {
		token, err := dec.Token()
		if err != nil {
			return all
		}
		switch tk := token.(type) {
		case xml.StartElement:
			name, typ := attributes(tk)
			open = append(open, name)
			if tk.Name.Local == "element" && blockType(typ) && name != "grund" { // that is inside a block
				all = append(all, named(open))
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

func blockType(typ string) bool {
	_, typ, _ = strings.Cut(typ, ":")
	return strings.HasSuffix(typ, "Auskunftssperre") || typ == "type.AuskunftssperreOhneFrist"
}

func attributes(e xml.StartElement) (name, typ string) {
	for _, a := range e.Attr {
		switch {
		case a.Name.Local == "name" && e.Name.Local == "element":
			name = a.Value
		case a.Name.Local == "type":
			typ = a.Value
		}
	}
	return name, typ
}

func named(open []string) (path []string) {
	for _, name := range open {
		if name != "" {
			path = append(path, name)
		}
	}
	return path
}
