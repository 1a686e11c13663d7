package bus

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// TestDoorsAreShutAtFirst: nobody of an organisation gets in before Admit, also when
// the server was started anew meanwhile; who was connected to the hub before waits, and
// comes back by itself.
func TestDoorsAreShutAtFirst(t *testing.T) {
	cfg := Embedded{Dir: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true, Listen: "127.0.0.1:0", Organisations: lhm}
	s, err := StartEmbedded(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Admit(t.Context(), MailboxOwners{}, lhm); err != nil {
		t.Fatal(err)
	}
	pub, seed, err := accounts.NewUser()
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := s.Accounts().Issue(accounts.Request{ID: accounts.NewID(), Application: "lhm.x", User: pub, Valid: time.Hour, Overlap: accounts.Keep})
	if err != nil {
		t.Fatal(err)
	}
	url := s.URL()
	tried, back, closed := make(chan struct{}, 1000), make(chan struct{}, 1), make(chan struct{})
	key, err := nkeys.FromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	show := func() (string, error) {
		tried <- struct{}{}
		return text, nil
	}
	before, err := nats.Connect(url, nats.UserJWT(show, key.Sign), nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1),
		nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	s.Stop()
	cfg.Listen = strings.TrimPrefix(url, "nats://")
	if s, err = StartEmbedded(cfg, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	none := func(when string) {
		t.Helper()
		nc, err := nats.Connect(url, nats.UserJWTAndSeed(text, string(seed)))
		if !errors.Is(err, nats.ErrMaxAccountConnectionsExceeded) {
			t.Errorf("%s: %v", when, err)
		}
		if err == nil {
			nc.Close()
		}
	}
	none("before Admit")
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	none("started anew before Admit")
	for range 5 { // more often than clients let themselves be told that they are unknown
		select {
		case <-tried:
		case <-closed:
			t.Fatal("who was connected gave up")
		case <-back:
			t.Fatal("who was connected got in before Admit")
		case <-time.After(time.Minute):
			t.Fatal("who was connected does not try")
		}
	}
	if err := s.Admit(t.Context(), MailboxOwners{}, lhm); err != nil {
		t.Fatal(err)
	}
	select {
	case <-back:
	case <-time.After(time.Minute):
		t.Error("who was connected does not come back")
	}
}

// TestAdmitFails: when a version of the directory cannot be put in force, who it would
// have let in stays outside, and who was in goes on.
func TestAdmitFails(t *testing.T) {
	s, err := StartEmbedded(Embedded{Dir: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true, Listen: "127.0.0.1:0", Organisations: lhm}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := s.Admit(t.Context(), MailboxOwners{}, lhm); err != nil {
		t.Fatal(err)
	}
	nc := appClient(t, s, "lhm.x")
	others := []accounts.Organisation{{ID: "akdb", Applications: []accounts.Application{{ID: "akdb.x"}}}}
	right := s.dir
	s.dir = filepath.Join(right, "none") // where the local credential cannot be written
	if err := s.Admit(t.Context(), MailboxOwners{All: []string{"akdb.x"}}, others); err == nil {
		t.Error("the local credential was written")
	}
	if s.dir = right; s.book.Known("akdb.x") {
		t.Error("the version whose local credential could not be written is known")
	}
	failing, calls := errors.New("not taken"), 0
	push := func(ctx context.Context) error {
		if calls++; calls == 1 {
			return errors.Join(s.Push(ctx), failing) // some is in force already
		}
		return s.Push(ctx)
	}
	if err := admit(t.Context(), s.book, s.dir, MailboxOwners{}, others, push); !errors.Is(err, failing) {
		t.Errorf("admitted: %v", err)
	}
	if s.book.Known("akdb.x") || !s.book.Known("lhm.x") || calls != 2 {
		t.Errorf("the version that failed is known, after %d pushes", calls)
	}
	nc.Close()
	if again := appClient(t, s, "lhm.x"); !again.IsConnected() {
		t.Error("who was in does not get in")
	}
}
