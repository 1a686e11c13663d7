package hubtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Size of a generated federation.
type Size struct {
	Organisations int
	Authorities   int // over all organisations
	Agreements    int
}

// Large is a federation of the size of Germany; Ten one of ten organisations with
// as many authorities and agreements each.
var (
	Large = Size{300, 11_000, 30_000}
	Ten   = Size{10, 367, 1_000}
)

// Sent is what the generated register of organisation i sends for its first
// authority: its application, a source and the event type.
const (
	LargeType   = "de.meldewesen.wohnung-angemeldet.v1"
	LargeSource = "urn:de:dvdv:ags:00000001"
	LargeSender = "org0.ewo"
)

// WriteLarge writes a federation of a size to dir, as it would be written: each
// organisation runs a resident register and some receivers for its
// municipalities, each municipality has its agreements in a file each, some with
// conditions, most with a cut; two groups hold all registers and all vehicle
// registration offices.
func WriteLarge(tb testing.TB, dir string, size Size) {
	tb.Helper()
	w := &largeWriter{tb: tb, dir: dir}
	w.file("federation.yaml", "name: Groß\nenvironment: test\n")
	key := 1
	agreements := 0
	var members [2]strings.Builder
	for i := range size.Organisations {
		n := size.Authorities*(i+1)/size.Organisations - size.Authorities*i/size.Organisations
		first := key
		w.organisation(i, first, n)
		key += n
		fmt.Fprintf(&members[0], "  - {application: org%d.ewo, authorities: \"ags:*\"}\n", i)
		fmt.Fprintf(&members[1], "  - {application: org%d.kfz, authorities: \"ags:*\"}\n", i)
		for until := size.Agreements * (i + 1) / size.Organisations; agreements < until; agreements++ {
			w.agreement(agreements, i, fmt.Sprintf("ags:%08d", first+agreements%max(n, 1)))
		}
	}
	w.file("groups/melderegister.yaml", "id: melderegister\ntitle: Melderegister\nmembers:\n"+members[0].String())
	w.file("groups/kfz-zulassungen.yaml", "id: kfz-zulassungen\ntitle: Zulassungsbehörden\nmembers:\n"+members[1].String())
	w.file("agreements/wegzug.yaml", `id: wegzug
title: Wegzug an die Zulassungsbehörde derselben Stadt
from: {group: melderegister}
to: [{group: kfz-zulassungen, address: sender}]
types: [de.meldewesen.person-weggezogen.v1]
law: BMG-37
purpose: Zuständigkeit
disclose: [/person/name, /auszug]
valid: {from: 2026-01-01}
`)
}

type largeWriter struct {
	tb  testing.TB
	dir string
}

func (w *largeWriter) file(name, content string) {
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		w.tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.tb.Fatal(err)
	}
}

// receivers of each organisation.
var largeReceivers = []string{"kfz", "abfall", "schule", "kita", "friedhof"}

func (w *largeWriter) organisation(i, first, n int) {
	var b strings.Builder
	fmt.Fprintf(&b, "id: org%d\nname: Rechenzentrum %d\nrole: operator\nauthorities:\n", i, i)
	for k := range n {
		fmt.Fprintf(&b, "  - {key: \"ags:%08d\", name: Gemeinde %d, contract: AVV-%d}\n", first+k, first+k, first+k)
	}
	fmt.Fprintf(&b, "applications:\n  - id: org%d.ewo\n    title: Melderegister\n    office: meldebehoerde\n    receipts: org%d.kfz\n    sources:\n", i, i)
	for k := range n {
		fmt.Fprintf(&b, "      - {prefix: \"urn:de:dvdv:ags:%08d\", authority: \"ags:%08d\"}\n", first+k, first+k)
	}
	for _, name := range largeReceivers {
		fmt.Fprintf(&b, "  - {id: org%d.%s, title: %s, mailbox: {mode: nats}}\n", i, name, name)
	}
	w.file(fmt.Sprintf("organisations/org%d.yaml", i), b.String())
}

func (w *largeWriter) agreement(n, i int, authority string) {
	receiver := largeReceivers[n/11%len(largeReceivers)]
	types := []string{LargeType, "de.meldewesen.person-weggezogen.v1", "de.meldewesen.person-verstorben.v1", "de.meldewesen.person-zugezogen.v1"}
	typ := types[n%len(types)]
	disclose := [][]string{{"/person/name"}, {"/person/name", "/person/geburtsdatum"}, {"/person"}}[n%3]
	where := ""
	if n%4 == 0 {
		where = fmt.Sprintf("where: \"ags LIKE '%05d%%' OR deutsch = TRUE\"\n", n%500)
	}
	w.file(fmt.Sprintf("agreements/org%d/regel-%d.yaml", i, n), fmt.Sprintf(`# Regel %d
id: regel-%d
title: Übermittlung Nummer %d
from: {application: org%d.ewo, authority: "%s"}
to: [{application: org%d.%s, authority: "%s"}]
types: [%s]
law: BMG-37
purpose: Fortschreibung der Angaben Nummer %d
activity: VVT-%d
%sdisclose: [%s]
sperren: none
valid: {from: %d-01-01, until: %d-12-31}
`, n, n, n, i, authority, i, receiver, authority, typ, n, n, where, strings.Join(disclose, ", "), 2026+n/40%20*2, 2027+n/40%20*2))
}
