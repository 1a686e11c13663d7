package xoev_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

const threeCases = "\xef\xbb\xbf" + `<m:a xmlns:m="u"><k><!-- <nachrichtenUUID>no</nachrichtenUUID> --><identifikation.nachricht><nachrichtenUUID> OLD </nachrichtenUUID></identifikation.nachricht></k>
<m:v><m:b>eins<m:identifikation.ereignis/></m:b><m:b>zwei<m:identifikation.ereignis/></m:b></m:v><m:v><m:b>drei<m:identifikation.ereignis/></m:b><x/></m:v>
<m:z><identifikation.nachricht><nachrichtenUUID>OTHER</nachrichtenUUID></identifikation.nachricht></m:z></m:a>`

func TestOneCase(t *testing.T) {
	for n, want := range map[int]string{
		1: `<m:v><m:b>eins<m:identifikation.ereignis/></m:b></m:v>`,
		2: `<m:v><m:b>zwei<m:identifikation.ereignis/></m:b></m:v>`,
		3: `<m:v><m:b>drei<m:identifikation.ereignis/></m:b><x/></m:v>`,
	} {
		got, err := xoev.OneCase([]byte(threeCases), n, "NEW")
		if err != nil {
			t.Fatal(err)
		}
		start, end := strings.Index(threeCases, "\n<m:v>")+1, strings.Index(threeCases, "\n<m:z>")
		whole := strings.Replace(threeCases[:start]+want+threeCases[end:], " OLD ", "NEW", 1)
		if string(got) != whole {
			t.Errorf("case %d:\n%s\n%s", n, got, whole)
		}
	}
	for _, n := range []int{0, 4, -1} {
		if _, err := xoev.OneCase([]byte(threeCases), n, "NEW"); err == nil {
			t.Errorf("there is a case %d", n)
		}
	}
}

// FuzzOneCase: of every document that passes, each case alone is a document that
// passes and has one case.
func FuzzOneCase(f *testing.F) {
	f.Add(threeCases)
	f.Add(`<a><identifikation.ereignis><identifikation.ereignis/></identifikation.ereignis></a>`)
	f.Fuzz(func(t *testing.T, doc string) {
		m, err := xoev.Read(strings.NewReader(doc), xmlguard.Limits{}, nil)
		if err != nil {
			return
		}
		for n := range min(len(m.Ereignisse), 5) {
			one, err := xoev.OneCase([]byte(doc), n+1, "0")
			if err != nil {
				return
			}
			got, err := xoev.Read(bytes.NewReader(one), xmlguard.Limits{}, nil)
			if err != nil {
				t.Fatalf("case %d: %v\n%s", n+1, err, one)
			}
			if len(got.Ereignisse) > 1 {
				t.Fatalf("case %d has %d cases\n%s", n+1, len(got.Ereignisse), one)
			}
		}
	})
}
