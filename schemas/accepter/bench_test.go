package accepter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// registered is a schema of the size and kind of an ordinary event type, and
// person one of the items of its data, 300 bytes long.
const (
	registered = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"required":["einzug","personen"],
"properties":{"einzug":{"type":"string","format":"date"},"personen":{"type":"array","minItems":1,"items":{"type":"object","additionalProperties":false,
"required":["name","geburtsdatum","anschrift"],"properties":{
"name":{"type":"object","additionalProperties":false,"required":["familienname"],"properties":{"familienname":{"type":"string","minLength":1,"maxLength":200},"vornamen":{"type":"string","maxLength":200}}},
"geburtsdatum":{"type":["string","null"],"format":"date"},"deutsch":{"type":"boolean"},"gemeldet":{"type":"string","format":"date-time"},
"staatsangehoerigkeiten":{"type":"array","maxItems":10,"items":{"type":"string","pattern":"^[0-9]{3}$"}},
"status":{"enum":["alleinige","haupt","neben"]},
"anschrift":{"type":"object","additionalProperties":false,"required":["ags","strasse","plz","ort"],"properties":{
"ags":{"type":"string","pattern":"^[0-9]{8}$"},"strasse":{"type":"string","minLength":1,"maxLength":200},"hausnummer":{"type":"string","maxLength":10},
"plz":{"type":"string","pattern":"^[0-9]{5}$"},"ort":{"type":"string","minLength":1,"maxLength":200}}}}}}}}`
	person = `{"name":{"familienname":"Müller-Lüdenscheidt","vornamen":"Anna Maria"},"geburtsdatum":"1985-08-12","deutsch":true,` +
		`"gemeldet":"2026-03-01T08:15:00+01:00","staatsangehoerigkeiten":["000","163"],"status":"alleinige",` +
		`"anschrift":{"ags":"09162000","strasse":"Marienplatz","hausnummer":"8","plz":"80331","ort":"München"}}`
)

func persons(size int) []byte {
	n := max(1, size/len(person))
	return []byte(`{"einzug":"2026-03-01","personen":[` + strings.TrimSuffix(strings.Repeat(person+",", n), ",") + `]}`)
}

// BenchmarkAccepts measures beside jsonschema v5 with the decoding it needs, in
// one run: the ratio is what counts.
func BenchmarkAccepts(b *testing.B) {
	a := Compile(tree([]byte(registered)))
	o, err := newOracle([]byte(registered), jsonschema.Draft2020)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{1 << 10, 10 << 10} {
		data := persons(size)
		for _, run := range []struct {
			name    string
			accepts func([]byte) bool
		}{
			{"accepter", a.Accepts},
			{"v5", func(raw []byte) bool { return o.v5.Validate(tree(raw)) == nil }},
		} {
			b.Run(fmt.Sprintf("%s-%d", run.name, len(data)), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if !run.accepts(data) {
						b.Fatal("not accepted")
					}
				}
			})
		}
	}
}

// TestNoAllocation: what is accepted without escapes costs no memory.
func TestNoAllocation(t *testing.T) {
	a, data := Compile(tree([]byte(registered))), persons(10<<10)
	if n := testing.AllocsPerRun(100, func() { _ = a.Accepts(data) }); n != 0 || !a.Accepts(data) {
		t.Errorf("%v allocations", n)
	}
}
