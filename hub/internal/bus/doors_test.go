package bus

import (
	"errors"
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
	defer func() { s.Stop() }()
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
		case <-time.After(10 * time.Second):
			t.Fatal("who was connected does not try")
		}
	}
	if err := s.Admit(t.Context(), MailboxOwners{}, lhm); err != nil {
		t.Fatal(err)
	}
	select {
	case <-back:
	case <-time.After(10 * time.Second):
		t.Error("who was connected does not come back")
	}
}
