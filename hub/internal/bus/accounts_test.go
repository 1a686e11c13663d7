package bus

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// many are organisations with so many mailboxes each.
func many(organisations, mailboxes int) []accounts.Organisation {
	out := make([]accounts.Organisation, organisations)
	for i := range out {
		out[i].ID = fmt.Sprintf("org%d", i)
		for k := range mailboxes {
			id := fmt.Sprintf("org%d.app%d", i, k)
			out[i].Applications = append(out[i].Applications, accounts.Application{ID: id, Mailbox: strings.ReplaceAll(id, ".", "_")})
		}
	}
	return out
}

// TestThreeHundredMailboxes measures what ADR 15 says: one more mailbox costs its own
// organisation's account about two kilobytes, and the hub's nothing.
func TestThreeHundredMailboxes(t *testing.T) {
	spread := admitting(t, many(100, 3), many(100, 4))
	lump := admitting(t, many(1, 300), many(1, 301))
	if spread != lump {
		t.Errorf("the account of the hub is %d bytes and %d bytes", spread, lump)
	}
}

// admitting starts a server with organisations, connects, admits others, and gives
// the size of the account HUB.
func admitting(t *testing.T, orgs, then []accounts.Organisation) int {
	t.Helper()
	s, err := StartEmbedded(Embedded{Dir: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true, Listen: "127.0.0.1:0", Organisations: orgs}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	b, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := s.Admit(t.Context(), MailboxOwners{}, orgs); err != nil {
		t.Fatal(err)
	}
	hub, err := s.Accounts().JWT(s.Accounts().Hub())
	if err != nil {
		t.Fatal(err)
	}
	account, before := appAccount(t, s)
	began := time.Now()
	nc := appClient(t, s, "org0.app0") // the server reads the account now
	first := time.Since(began)
	began = time.Now()
	if err := s.Admit(t.Context(), MailboxOwners{}, then); err != nil {
		t.Fatal(err)
	}
	admitted := time.Since(began)
	text, err := s.Accounts().JWT(account)
	if err != nil {
		t.Fatal(err)
	}
	if grown := len(text) - before; grown > 3000 {
		t.Errorf("one more mailbox costs %d bytes", grown)
	}
	if err := nc.FlushTimeout(5 * time.Second); err != nil {
		t.Errorf("who was connected: %v", err)
	}
	t.Logf("%d organisations with %d mailboxes each: HUB %d bytes; an organisation %d bytes, with one mailbox more %d; its first connection %s, the change in force after %s",
		len(orgs), len(orgs[0].Applications), len(hub), before, len(text), first, admitted)
	if admitted > 10*time.Second {
		t.Errorf("it took %s", admitted)
	}
	return len(hub)
}

func appAccount(t *testing.T, s *Server) (account string, size int) {
	t.Helper()
	keys, err := s.Accounts().Accounts("org0")
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Accounts().JWT(keys["org0"])
	if err != nil {
		t.Fatal(err)
	}
	return keys["org0"], len(text)
}

// appClient connects as an application.
func appClient(t *testing.T, s *Server, application string) *nats.Conn {
	t.Helper()
	pub, seed, err := accounts.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := s.Accounts().Issue(accounts.Request{ID: accounts.NewID(), Application: application, User: pub, Valid: time.Hour, Overlap: accounts.Keep})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(s.URL(), nats.UserJWTAndSeed(text, string(seed)), nats.Timeout(time.Minute), nats.CustomInboxPrefix(accounts.Inbox(strings.ReplaceAll(application, ".", "_"))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
