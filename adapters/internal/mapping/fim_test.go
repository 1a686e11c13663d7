package mapping

import "testing"

// TestFachdatensatz: application data of FIT-Connect in the JSON of FIM, whose
// names are the ids of data fields and groups (facts: seen in a demonstrator).
func TestFachdatensatz(t *testing.T) {
	t.Parallel()
	m := compiled(t, `format: json
type: de.test.geschehen.v1
id: {meta: submission-id}
data:
  /person/name/familienname: {from: /G06001617/F60000227, fim: F60000227}
  /person/name/vornamen: {from: /G06001617/F60000228, fim: F60000228}
  /person/name/geburtsname: {from: /G06001617/F60000230, optional: true}
  /person/geburtsdatum:
    parts: {year: /G06001617/G60000083/F60000233, month: /G06001617/G60000083/F60000232, day: /G06001617/G60000083/F60000231}
    as: partial-date
    fim: [G60000083, F60000231, F60000232, F60000233]
`)
	w := with1
	w.Meta = map[string]string{"submission-id": "f39ab143-d91a-474a-b69f-b00f1a1873c2"}
	for in, want := range map[string]string{
		`{"G06001617":{"F60000227":"Mustermann","F60000228":"Max","G60000083":{"F60000231":15,"F60000232":5,"F60000233":1980},"F60000234":"Musterstadt"}}`://
		`{"person":{"geburtsdatum":"1980-05-15","name":{"familienname":"Mustermann","vornamen":"Max"}}}`,
		`{"$schema":"x","G06001617":{"F60000227":"Mustermann","F60000228":"Max","F60000230":"Muster","G60000083":{"F60000233":"1980"}}}`://
		`{"person":{"geburtsdatum":"1980","name":{"familienname":"Mustermann","geburtsname":"Muster","vornamen":"Max"}}}`,
	} {
		e, err := m.Event(mustRead(t, m, in), w)
		if err != nil || string(e.Data()) != want {
			t.Errorf("%v\n%s\nwant %s", err, e.Data(), want)
		}
	}
}
