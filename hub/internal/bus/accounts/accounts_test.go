package accounts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

var orgs = []Organisation{
	{ID: "lhm", Applications: []Application{{ID: "lhm.kfz", Mailbox: "lhm_kfz"}, {ID: "lhm.ewo"}}},
	{ID: "akdb", Applications: []Application{{ID: "akdb.okewo", Mailbox: "akdb_okewo"}}},
}

func open(t *testing.T, dir, spare string) *Book {
	t.Helper()
	b, err := Open(dir, spare, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Accounts("lhm", "akdb"); err != nil {
		t.Fatal(err)
	}
	b.Know(orgs)
	return b
}

func claimsOf(t *testing.T, b *Book, account string) *jwt.AccountClaims {
	t.Helper()
	text, err := b.JWT(account)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jwt.DecodeAccountClaims(text)
	if err != nil {
		t.Fatal(err)
	}
	var vr jwt.ValidationResults
	c.Validate(&vr)
	if vr.IsBlocking(true) || c.Issuer != b.Operator() {
		t.Fatalf("the server would refuse %s: %+v", c.Name, vr.Issues)
	}
	return c
}

// TestAccountHoldsItsOwn: an organisation's account has its imports and nothing else.
func TestAccountHoldsItsOwn(t *testing.T) {
	b := open(t, t.TempDir(), "")
	keys, err := b.Accounts("lhm", "akdb")
	if err != nil {
		t.Fatal(err)
	}
	c := claimsOf(t, b, keys["lhm"])
	got := map[string]string{}
	for _, i := range c.Imports {
		got[string(i.LocalSubject)] = string(i.Subject)
		if i.Account != b.Hub() || i.Type != jwt.Service {
			t.Errorf("an import of %s", i.Account)
		}
	}
	want := map[string]string{
		"$JS.API.INFO":          "mack." + keys["lhm"] + ".none",
		"in.lhm.>":              "in." + keys["lhm"] + ".lhm.>",
		"$JS.ACK.OUT.lhm_kfz.>": "mack." + keys["lhm"] + ".lhm_kfz.>",
		"$JS.hub.API.CONSUMER.MSG.NEXT.OUT.lhm_kfz": "$JS.API.CONSUMER.MSG.NEXT.OUT.lhm_kfz",
		"$JS.hub.API.CONSUMER.INFO.OUT.lhm_kfz":     "$JS.API.CONSUMER.INFO.OUT.lhm_kfz",
	}
	for local, subject := range want {
		if got[local] != subject {
			t.Errorf("%s is %q, want %q", local, got[local], subject)
		}
	}
	if len(got) != len(want) || len(c.Exports) != 0 || c.Limits.IsJSEnabled() || c.Limits.LeafNodeConn != 0 {
		t.Errorf("besides: %v, exports %v, limits %+v", got, c.Exports, c.Limits)
	}
	if hub := claimsOf(t, b, b.Hub()); len(hub.Exports) != 4 || len(hub.Imports) != 0 {
		t.Errorf("HUB exports %v", hub.Exports)
	}
	if _, err := b.JWT("A" + strings.Repeat("A", 55)); !errors.Is(err, ErrUnknown) {
		t.Errorf("an account of nobody: %v", err)
	}
}

// TestWhoIsLockedOut goes through the conditions of a credential and what the account
// says then.
func TestWhoIsLockedOut(t *testing.T) {
	b := open(t, t.TempDir(), "")
	keys, err := b.Accounts("lhm")
	if err != nil {
		t.Fatal(err)
	}
	issued := map[string]int64{}
	issue := func(id, app string, overlap time.Duration) string {
		t.Helper()
		pub, _, err := NewUser()
		if err != nil {
			t.Fatal(err)
		}
		c, text, err := b.Issue(Request{ID: id, Application: app, User: pub, Valid: time.Hour, Overlap: overlap})
		if err != nil {
			t.Fatal(err)
		}
		u, err := jwt.DecodeUserClaims(text)
		if err != nil || u.Name != app || !u.HasEmptyPermissions() || u.Expires != c.Expires.Unix() || u.IssuerAccount != keys["lhm"] {
			t.Fatalf("the user is %+v, %v", u, err)
		}
		issued[pub] = u.IssuedAt
		return pub
	}
	expect := func(when, id string, want Condition) {
		t.Helper()
		one, err := b.Find(id)
		if err != nil || one.Condition != want {
			t.Errorf("%s: %s is %s, %v; want %s", when, id, one.Condition, err, want)
		}
		upTo, revoked := claimsOf(t, b, keys["lhm"]).Revocations[one.User]
		if slow := issued[one.User] + 60; revoked && upTo < slow { // it may have been signed later than it was entered
			t.Errorf("%s: %s is revoked if it was issued up to %d", when, id, upTo)
		}
		if revoked != (want != Active) {
			t.Errorf("%s: %s is %s, and revoked in its account: %v", when, id, want, revoked)
		}
	}
	if got := b.InUse(); len(got) != 0 {
		t.Errorf("before there is a credential in use: %v", got)
	}
	issue("1", "lhm.kfz", Keep)
	if got := b.InUse(); len(got) != 1 || got[0] != keys["lhm"] {
		t.Errorf("in use are %v, want %s alone", got, keys["lhm"])
	}
	issue("2", "lhm.ewo", Keep)
	expect("new", "1", Active)
	issue("3", "lhm.kfz", time.Hour)
	expect("being replaced", "1", Active)
	issue("4", "lhm.kfz", 0)
	expect("replaced", "1", Replaced)
	expect("replaced", "3", Replaced)
	expect("of another application", "2", Active)
	must(t, b.Suspend("lhm.kfz"))
	expect("suspended", "4", Suspended)
	must(t, b.Resume("lhm.kfz"))
	expect("resumed", "4", Active)
	if err := b.Resume("lhm.kfz"); !errors.Is(err, ErrState) {
		t.Errorf("resumed twice: %v", err)
	}
	must(t, b.Revoke("4"))
	expect("revoked", "4", Revoked)
	b.Know([]Organisation{{ID: "lhm", Applications: orgs[0].Applications[:1]}})
	expect("the application has left", "2", Orphaned)
	must(t, b.Suspend("lhm"))
	if c := claimsOf(t, b, keys["lhm"]); c.Limits.Conn != 0 || len(c.Imports) != 0 {
		t.Errorf("a suspended organisation has %d connections and %v", c.Limits.Conn, c.Imports)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestBookIsKept: keys and register outlive a restart, a damaged file and one that is
// gone, and nobody else reads them.
func TestBookIsKept(t *testing.T) {
	dir, spare := t.TempDir(), filepath.Join(t.TempDir(), "spare")
	b := open(t, dir, spare)
	must(t, b.Suspend("lhm"))
	path := filepath.Join(dir, File)
	whole, err := os.ReadFile(path)
	must(t, err)
	for name, damage := range map[string]func() error{
		"whole":   func() error { return nil },
		"cut":     func() error { return os.Truncate(path, 100) },
		"empty":   func() error { return os.Truncate(path, 0) },
		"gone":    func() error { return os.Remove(path) },
		"no keys": func() error { return os.WriteFile(path, []byte("{}"), 0o600) },
	} {
		must(t, damage())
		again := open(t, dir, spare)
		if again.Hub() != b.Hub() || again.Operator() != b.Operator() || !again.Known("lhm") {
			t.Errorf("%s: another book", name)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(whole) {
			t.Errorf("%s: the file differs: %v", name, err)
		}
	}
	for _, p := range []string{path, filepath.Join(spare, File)} {
		if st, err := os.Stat(p); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", p, st.Mode(), err)
		}
	}
}

// TestBookIsNotMadeAnew over a store that could not be read then.
func TestBookIsNotMadeAnew(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "jetstream", "$G", "streams", "OUT"), 0o700))
	if _, err := Open(dir, "", ""); err == nil || !strings.Contains(err.Error(), "restore it from your backup") {
		t.Errorf("opened: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, File), []byte("{"), 0o600))
	if _, err := Open(dir, "", ""); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("opened: %v", err)
	}
}

// TestOperatorElsewhere: a key of another's operator is used and not kept.
func TestOperatorElsewhere(t *testing.T) {
	dir := t.TempDir()
	seed, err := newSeed(nkeys.CreateOperator)
	must(t, err)
	b, err := Open(dir, "", seed)
	must(t, err)
	if c := claimsOf(t, b, b.Hub()); c.Issuer != public(seed) {
		t.Errorf("signed by %s", c.Issuer)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, File)); err != nil || strings.Contains(string(raw), seed) {
		t.Errorf("the key was written down: %v", err)
	}
}
