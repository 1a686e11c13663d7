package federation

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

func base(t *testing.T) *Federation {
	t.Helper()
	fed, found := Load("testdata/base", kinds{})
	if fed == nil {
		t.Fatal(found)
	}
	return fed
}

func TestLoad(t *testing.T) {
	fed := base(t)
	if fed.Name != "Verbund Beispiel" || fed.Production || len(fed.Simulators) != 1 {
		t.Errorf("federation = %+v", fed)
	}
	if !filepath.IsAbs(fed.Dir) {
		t.Errorf("Dir = %s, want an absolute path", fed.Dir)
	}
	kfz, ok := fed.Application("lhm.kfz")
	want := &Application{
		ID: "lhm.kfz", Organisation: "lhm", Name: "kfz", Title: "Kfz-Zulassung", Office: "kfz-zulassung",
		Mailbox: &Mailbox{Mode: ModeNATS, MaxAckPending: 1, QuotaBytes: DefaultMailboxQuota}, Classification: Confidential,
		Limits: Limits{Rate: DefaultRate, Body: 4 << 20},
	}
	if diff := cmp.Diff(want, kfz, cmpopts.IgnoreUnexported(Application{})); !ok || diff != "" {
		t.Error(diff)
	}
	if o := fed.Organisations[0]; o.ID != "akdb" || o.QuotaBytes != 2<<30 || o.Role != RoleOperator || len(o.Authorities) != 2 {
		t.Errorf("organisation = %+v", o)
	}
	if o := fed.Organisations[1]; o.QuotaBytes != DefaultQuota {
		t.Errorf("quota = %d, want the default", o.QuotaBytes)
	}
	if a := fed.Adapters[0]; a.Name != "okewo" || a.Application.ID != "akdb.okewo" || !a.Source || !a.Sink {
		t.Errorf("adapter = %+v", a)
	}
	a := fed.Agreements[0]
	if !a.Approves("ags:09162000") || a.Valid.Until.String() != "2099-12-31" || a.Approved[0].On != (Day{2025, 12, 3}) || a.Sperren != nil {
		t.Errorf("agreement = %+v", a)
	}
}

func TestDigestNamesEveryByte(t *testing.T) {
	digests := map[string]bool{}
	for i, change := range [][]string{
		nil,
		{"sub agreements/kfz-umzug.yaml | title: Umzugsmeldung | title: Umzugsmeldunh"},
		{"copy adapters/okewo.yaml adapters/okewo2.yaml"},
		{"copy adapters/okewo.yaml adapters/okewo3.yaml"},
	} {
		dir := copyBase(t)
		for _, line := range change {
			do(t, dir, line)
		}
		digests[take(dir, &finding.List{}).digest()] = true
		if len(digests) != i+1 {
			t.Errorf("change %v has the digest of another version", change)
		}
	}
	if again := take(copyBase(t), &finding.List{}).digest(); !digests[again] {
		t.Error("a copy has another digest")
	}
}

func TestAuthority(t *testing.T) {
	fed := base(t)
	okewo, _ := fed.Application("akdb.okewo")
	for source, want := range map[string]string{
		"urn:de:dvdv:ags:09162000":          "ags:09162000",
		"urn:de:dvdv:ags:09162000:ewo":      "ags:09162000",
		"urn:de:dvdv:ags:09162000/ewo#x":    "ags:09162000",
		"urn:de:dvdv:ags:09564000?x":        "ags:09564000",
		"urn:de:dvdv:ags:09564000;x:y":      "ags:09564000",
		"urn:de:dvdv:ags:091620001":         "",
		"urn:de:dvdv:ags:0916200":           "",
		"urn:de:dvdv:ags":                   "",
		"":                                  "",
		":":                                 "",
		"x:urn:de:dvdv:ags:09162000":        "",
		"urn:de:ags:09162000:system:portal": "",
		"urn:de:dvdv:ags:09162000/../x":     "",
		"urn:de:dvdv:ags:09162000:..:x":     "",
		"urn:de:dvdv:ags:09162000/%2E%2e/x": "",
		"urn:de:dvdv:ags:09162000/..":       "",
		"urn:de:dvdv:ags:09162000/...":      "ags:09162000",
		"urn:de:dvdv:ags:09162000/a.b/%41":  "ags:09162000",
	} {
		got, ok := okewo.Authority(source)
		if got != want || ok != (want != "") {
			t.Errorf("Authority(%q) = %q, %v", source, got, ok)
		}
	}
}

// The longest prefix decides, whatever stands between.
// TestHubSource: the source of the hub's receipts is nobody's, whatever a federation says.
func TestHubSource(t *testing.T) {
	a := &Application{Sources: []SourcePrefix{{"urn:amtsbote", "ags:1"}, {"urn:amtsbote:verbund:x", "ags:1"}}}
	for source, want := range map[string]bool{
		"urn:amtsbote:verbund": false, "urn:amtsbote:verbund:x": false, "urn:amtsbote:verbund#x": false,
		"urn:amtsbote:verbunden": true, "urn:amtsbote:anderes": true,
	} {
		if _, may := a.Authority(source); may != want {
			t.Errorf("%s: may %v", source, may)
		}
	}
}

func TestAuthorityLongest(t *testing.T) {
	a := &Application{Sources: []SourcePrefix{{"urn:a", "short"}, {"urn:a:b", "middle"}, {"urn:a:b:c:d", "long"}}}
	for source, want := range map[string]string{"urn:a:x": "short", "urn:a:b:c": "middle", "urn:a:b:c:d/e": "long", "urn:a:b:c:de": "middle"} {
		if got, _ := a.Authority(source); got != want {
			t.Errorf("Authority(%q) = %q, want %q", source, got, want)
		}
	}
}

func TestAuthorityAllocatesNothing(t *testing.T) {
	fed := base(t)
	app, _ := fed.Application("akdb.okewo")
	n := testing.AllocsPerRun(100, func() {
		app.Authority("urn:de:dvdv:ags:09162000:ewo:bürgerbüro")
		fed.Clauses("akdb.okewo", "de.meldewesen.wohnung-angemeldet.v1", "ags:09162000")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestClause(t *testing.T) {
	fed := base(t)
	list, groups := fed.Clauses("akdb.okewo", "de.meldewesen.wohnung-angemeldet.v1", "ags:09162000")
	none, _ := fed.Clauses("lhm.portal", "de.meldewesen.wohnung-angemeldet.v1", "ags:09162000")
	other, _ := fed.Clauses("akdb.okewo", "de.meldewesen.wohnung-angemeldet.v1", "ags:09564000")
	if len(list) != 1 || groups != nil || none != nil || other != nil {
		t.Fatalf("clauses = %v", list)
	}
	c := list[0]
	want := []string{"/anschrift", "/einzug", "/person/name", "/sperren/auskunftssperre", "/sperren/bedingterSperrvermerk", "/sperren/uebermittlungssperren"}
	if d := cmp.Diff(want, c.Fields); d != "" {
		t.Errorf("fields: %s", d)
	}
	if c.Receiver.ID != "lhm.kfz" || c.From != "ags:09162000" || c.DataSchema != c.Cut.DataSchema() || c.AdmitsSperren([]string{"auskunftssperre"}) || !c.AdmitsSperren(nil) || c.Where() == nil {
		t.Errorf("clause = %+v", c)
	}
}

// The days of a validity begin and end at midnight in Berlin, also when clocks
// change.
func TestInForce(t *testing.T) {
	v := Validity{From: Day{2026, 3, 29}, Until: Day{2026, 10, 25}}
	c := &Clause{}
	c.from, c.to = v.span()
	for at, want := range map[string]bool{
		"2026-03-28T22:59:59Z": false,
		"2026-03-28T23:00:00Z": true, // midnight, still winter time
		"2026-07-01T00:00:00Z": true,
		"2026-10-25T22:59:59Z": true,
		"2026-10-25T23:00:00Z": false, // midnight, winter time again
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil || c.InForce(moment) != want {
			t.Errorf("InForce(%s) is not %v (%v)", at, want, err)
		}
	}
	c.from, c.to = Validity{From: Day{2026, 1, 1}}.span()
	if !c.InForce(time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error("a validity without end ended")
	}
}

func copyBase(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/base")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestMappingsBelongToTheVersion: a change of a mapping, or of the input of one of
// its examples, is another version, and starts an adapter anew that names one.
func TestMappingsBelongToTheVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/base")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "mappings", "beispiele"), 0o700); err != nil {
		t.Fatal(err)
	}
	// load gives version and sign after an example's input has been changed.
	load := func(input string) (digest, sign string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "mappings", "beispiele", "a.csv"), []byte(input), 0o600); err != nil {
			t.Fatal(err)
		}
		fed, found := Load(dir, kinds{})
		if fed == nil || len(fed.Adapters) == 0 {
			t.Fatal(found)
		}
		return fed.Digest, fed.Adapters[0].Sign()
	}
	for _, names := range []bool{false, true} {
		if names {
			adapter := filepath.Join(dir, "adapters", "okewo.yaml")
			raw, err := os.ReadFile(adapter)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(adapter, append(raw, "# mappings/m.yaml\n"...), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		digest, sign := load("a;b\n")
		otherDigest, otherSign := load("a;b;c\n")
		if digest == otherDigest || (sign != otherSign) != names {
			t.Errorf("adapter names a mapping: %v; another version: %v, another adapter: %v", names, digest != otherDigest, sign != otherSign)
		}
	}
}
