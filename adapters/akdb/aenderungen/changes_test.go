package aenderungen_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

func dataOf(t *testing.T, e hub.Event) map[string]any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal(e.Data(), &d); err != nil {
		t.Fatal(err)
	}
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := registry.ByID(e.DataSchema())
	if !ok || schema.Type != e.Type() {
		t.Fatalf("no schema %s for %s", e.DataSchema(), e.Type())
	}
	var doc any
	dec := json.NewDecoder(strings.NewReader(string(e.Data())))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if found := schema.Validate(doc); found != nil {
		t.Errorf("breaks its schema: %v\n%s", found, e.Data())
	}
	return d
}

func put(t *testing.T, c *city, person []byte) {
	t.Helper()
	if err := c.register.Put(person); err != nil {
		t.Fatal(err)
	}
}

func order(t *testing.T, c *city, f ewosim.Fault) {
	t.Helper()
	if err := c.register.Order(f); err != nil {
		t.Fatal(err)
	}
}

// Each record of the feed, also one that tells nothing new, becomes one event;
// it says which groups differ from what was read before (city.md 2.4: "hash per
// field group instead of values"). Answers come in the form of
// EWOSucheMitOMResponse.json, then in that of the Swagger: no difference.
func TestWhatChanged(t *testing.T) {
	c := newCity(t, true)
	in := adaptertest.NewIntake()
	c.listen(t, in, c.settings("gruppen"))
	put(t, c, resident(1, "Nußbaumweg", ""))
	put(t, c, resident(1, "Am Sande", ""))
	events(t, in, 2) // the register answers as it is when it is asked
	put(t, c, resident(1, "Am Sande", `,"auskunftssperre":"ja"`))
	events(t, in, 3)
	if err := c.register.Announce(om(1), 2); err != nil {
		t.Fatal(err)
	}
	events(t, in, 5)
	put(t, c, []byte(strings.Replace(string(resident(1, "Am Sande", `,"auskunftssperre":"ja"`)), `"rk"`, `"ev"`, 1)))
	all := events(t, in, 6)

	blocked := map[string]any{"auskunftssperre": true}
	want := []map[string]any{
		2: {"gelesen": true, "gruppen": []any{"sperren"}, "sperren": blocked},
		3: {"gelesen": true, "gruppen": []any{}, "sperren": blocked},
		4: {"gelesen": true, "gruppen": []any{}, "sperren": blocked},
		5: {"gelesen": true, "gruppen": []any{"sonstiges"}, "sperren": blocked},
	}
	for i, e := range all {
		got := dataOf(t, e)
		if e.Subject() != all[0].Subject() || !strings.HasPrefix(e.Subject(), "psn:") {
			t.Errorf("event %d has subject %s", i, e.Subject())
		}
		if d := cmp.Diff(want[i], got); want[i] != nil && d != "" {
			t.Errorf("event %d: %s", i, d)
		}
	}
	if first := dataOf(t, all[0]); first["erstmals"] != true || first["gruppen"] != nil {
		t.Errorf("the first reading says %v", first)
	}
}

func TestPersonAndItsAttributes(t *testing.T) {
	c := newCity(t, false)
	in := adaptertest.NewIntake()
	c.listen(t, in, c.settings("person"))
	put(t, c, resident(2, "Nußbaumweg", ""))
	e := events(t, in, 1)[0]
	want := map[string]any{
		"gelesen": true, "erstmals": true,
		"person": map[string]any{
			"name":         map[string]any{"familienname": "Zaunkönig", "vornamen": "Ottilie"},
			"geburtsdatum": "1985-08", "staatsangehoerigkeiten": []any{"000"},
		},
		"anschrift": map[string]any{"ags": "09162000", "strasse": "Nußbaumweg", "hausnummer": "12", "plz": "80331", "ort": "München"},
	}
	if d := cmp.Diff(want, dataOf(t, e)); d != "" {
		t.Error(d)
	}
	attributes := map[string]any{
		"dataref": "https://ewo.example.org/person/" + e.Subject(), "ags": "09162000",
		"dataclassification": "restricted", "dataregulation": "GDPR",
	}
	if d := cmp.Diff(attributes, e.Extensions()); d != "" {
		t.Error(d)
	}
	if e.ID() != c.last || e.Source() != eventSource {
		t.Error(e.ID(), e.Source())
	}
}

// watched is an Intake that sees what the source remembers.
type watched struct {
	*adaptertest.Intake
	memory *memory
}

func (w *watched) State() hub.State { return w.memory }

type memory struct {
	hub.State
	mu   sync.Mutex
	seen []string
}

func (m *memory) Put(ctx context.Context, key string, value []byte) error {
	m.mu.Lock()
	m.seen = append(m.seen, key+" "+string(value))
	m.mu.Unlock()
	return m.State.Put(ctx, key, value)
}

// Neither events nor logs, reports or the source's memory hold an
// Ordnungsmerkmal or, without being asked for, anything of a person. With a
// second secret nothing of it is the same.
func TestNothingLeaks(t *testing.T) {
	personal := []string{om(1), om(7), "Zaunk", "Ottilie", "Nußbaumweg", "1985-08", `"rk"`}
	var keys [][]string
	for _, secret := range []string{strings.Repeat("k", 32), strings.Repeat("j", 32)} {
		c := newCity(t, true)
		c.write(t, "geheimnis", secret)
		inner := adaptertest.NewIntake()
		in := &watched{inner, &memory{State: inner.State()}}
		src, err := c.source(c.settings("gruppen"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- src.Run(ctx, in) }()
		order(t, c, ewosim.Fault{Art: "500"})
		order(t, c, ewosim.Fault{Art: "400", Ordnungsmerkmal: om(8)})
		put(t, c, resident(1, "Nußbaumweg", ""))
		put(t, c, resident(8, "Nußbaumweg", ""))
		if err := c.announce(t, om(7)); err != nil { // nobody
			t.Fatal(err)
		}
		if err := c.announce(t, om(7)+" Zaunkönig"); err != nil {
			t.Fatal(err)
		}
		put(t, c, resident(1, "Am Sande", ""))
		all := events(t, inner, 2)
		cancel()
		if err := <-end; err != nil {
			t.Error(err)
		}
		text := ""
		for _, e := range all {
			text += e.String() + "\n"
		}
		reports, err := c.reports()
		if err != nil || len(reports) != 3 {
			t.Errorf("set aside %q, %v", reports, err)
		}
		text += strings.Join(reports, "\n") + strings.Join(in.memory.seen, "\n")
		for _, l := range c.logs.All() {
			raw, _ := json.Marshal(l.ContextMap())
			text += l.Message + string(raw) + "\n"
		}
		for _, value := range personal {
			if strings.Contains(text, value) {
				t.Errorf("%q stands in what left the adapter", value)
			}
		}
		keys = append(keys, in.memory.seen)
	}
	for _, first := range keys[0] {
		key, _, _ := strings.Cut(first, " ")
		if strings.HasPrefix(key, "p.") && slices.ContainsFunc(keys[1], func(s string) bool { return strings.HasPrefix(s, key) }) {
			t.Errorf("%s does not depend on the secret", key)
		}
	}
}

// city.md 2.1: the OM can change. The matter goes on, whichever of the two the
// feed names first.
func TestRenumbered(t *testing.T) {
	c := newCity(t, true)
	in := adaptertest.NewIntake()
	stop := c.listen(t, in, c.settings("gruppen"))
	put(t, c, resident(1, "Nußbaumweg", ""))
	events(t, in, 1)
	if err := c.register.Renumber(om(1), om(2)); err != nil {
		t.Fatal(err)
	}
	events(t, in, 2)
	stop()
	c.listen(t, in, c.settings("gruppen"))
	put(t, c, resident(2, "Am Sande", "")) // the record names its former key no more
	all := events(t, in, 3)
	if all[0].Subject() != all[1].Subject() || all[1].Subject() != all[2].Subject() {
		t.Errorf("subjects %s, %s, %s", all[0].Subject(), all[1].Subject(), all[2].Subject())
	}
	if got := dataOf(t, all[1])["gruppen"]; !cmp.Equal(got, []any{"ordnungsmerkmal"}) {
		t.Errorf("changed: %v", got)
	}
	if got := dataOf(t, all[2])["gruppen"]; !cmp.Equal(got, []any{"anschrift", "ordnungsmerkmal"}) {
		t.Errorf("changed: %v", got)
	}
}

// aenderungsservice-README.md: a blocking entry stops its partition, is tried
// again with growing delays, and then goes on; here without losing the event.
func TestRegisterAway(t *testing.T) {
	for _, art := range []string{"500", "504", "401", "unlesbar"} {
		t.Run(art, func(t *testing.T) {
			c := newCity(t, true)
			in := adaptertest.NewIntake()
			order(t, c, ewosim.Fault{Art: art, Mal: 2, Ordnungsmerkmal: om(1)})
			put(t, c, resident(1, "Nußbaumweg", ""))
			put(t, c, resident(2, "Nußbaumweg", ""))
			c.listen(t, in, c.settings("gruppen"))
			for i, e := range events(t, in, 2) {
				if d := dataOf(t, e); d["erstmals"] != true {
					t.Errorf("event %d says %v", i, d)
				}
			}
			if c.logs.FilterMessage("okewo-aenderungen: the partition waits").Len() != 2 {
				t.Error("the partition did not wait twice")
			}
		})
	}
}

func TestGivenUpReading(t *testing.T) {
	c := newCity(t, true)
	in := adaptertest.NewIntake()
	order(t, c, ewosim.Fault{Art: "503", Mal: 3, Ordnungsmerkmal: om(1)}) // versuche: 3
	put(t, c, resident(1, "Nußbaumweg", ""))
	c.listen(t, in, c.settings("gruppen"))
	e := events(t, in, 1)[0]
	if d := cmp.Diff(map[string]any{"gelesen": false}, dataOf(t, e)); d != "" {
		t.Error(d)
	}
}

// A gateway that does not answer in time is away, not a reason to wait for ever.
func TestTimeout(t *testing.T) {
	c := newCity(t, true)
	in := adaptertest.NewIntake()
	order(t, c, ewosim.Fault{Art: "frist"})
	put(t, c, resident(1, "Nußbaumweg", ""))
	c.listen(t, in, strings.Replace(c.settings("gruppen"), "frist: 5s", "frist: 50ms", 1))
	if d := dataOf(t, events(t, in, 1)[0]); d["erstmals"] != true {
		t.Errorf("the event says %v", d)
	}
}

// With another consumer group all records come again: each is known, and none
// becomes a second event or the same one with other content.
func TestReadAgain(t *testing.T) {
	c := newCity(t, true)
	in := adaptertest.NewIntake()
	stop := c.listen(t, in, c.settings("gruppen"))
	put(t, c, resident(1, "Nußbaumweg", ""))
	events(t, in, 1)
	put(t, c, resident(1, "Am Sande", ""))
	events(t, in, 2)
	stop()
	c.listen(t, in, strings.Replace(c.settings("gruppen"), "klartext: true", "klartext: true, gruppe: andere", 1))
	put(t, c, resident(2, "Am Sande", ""))
	events(t, in, 3)
	if err := in.Breaches(); err != nil {
		t.Error(err)
	}
}

// A matter ends; then the person has another subject.
func TestNewMatter(t *testing.T) {
	c := newCity(t, true)
	in := adaptertest.NewIntake()
	c.listen(t, in, strings.Replace(c.settings("keine"), "versuche: 3", "vorgang-dauer: 1ns", 1))
	put(t, c, resident(1, "Nußbaumweg", ""))
	first := events(t, in, 1)[0]
	n := 1
	until(t, "another millisecond", func() bool {
		put(t, c, resident(1, "Nußbaumweg", ""))
		n++
		all := events(t, in, n)
		return all[n-1].Time().After(first.Time())
	})
	if second := in.Events()[n-1]; second.Subject() == first.Subject() {
		t.Error("the subject outlives its matter")
	}
}

// soapUnknown is soap-response-lesePersonErweitert-empty.xml, soapPerson a
// person in that form.
const (
	soapOpen    = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><n:lesePersonErweitertResponse xmlns:n="urn:n">`
	soapEnd     = `</n:lesePersonErweitertResponse></soap:Body></soap:Envelope>`
	soapUnknown = soapOpen + soapEnd
	soapPerson  = soapOpen + `<personErweitert><ordnungsmerkmal>162015000001</ordnungsmerkmal><namen><familienname><name>Zaunkönig</name></familienname></namen></personErweitert>` + soapEnd
)

// The register may also be read in the gateway's older form.
func TestSOAP(t *testing.T) {
	c := newCity(t, true)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if _, _, basic := r.BasicAuth(); err != nil || basic || !strings.Contains(string(body), ">probe</wsse:Password>") {
			t.Errorf("asked with %s, %v", body, err)
		}
		if strings.Contains(string(body), om(1)) {
			_, _ = w.Write([]byte(soapPerson))
			return
		}
		_, _ = w.Write([]byte(soapUnknown))
	}))
	t.Cleanup(server.Close)
	in := adaptertest.NewIntake()
	c.listen(t, in, strings.Replace(c.settings("person"), c.url, server.URL+"', protokoll: 'soap", 1))
	for _, n := range []int{2, 1} { // 2 is unknown
		if err := c.announce(t, om(n)); err != nil {
			t.Fatal(err)
		}
	}
	d := dataOf(t, events(t, in, 1)[0])
	if p, ok := d["person"].(map[string]any); !ok || !cmp.Equal(p["name"], map[string]any{"familienname": "Zaunkönig"}) {
		t.Errorf("read %v", d)
	}
	if reports, err := c.reports(); len(reports) != 1 || err != nil {
		t.Errorf("set aside %q, %v", reports, err)
	}
}
