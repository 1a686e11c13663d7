package bus

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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
	var way way
	before, err := nats.Connect(url, nats.UserJWT(show, key.Sign), nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1), nats.SetCustomDialer(&way),
		nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	way.barred.Store(true) // or it comes back to a server that is just stopping
	s.Stop()
	cfg.Listen = strings.TrimPrefix(url, "nats://")
	if s, err = StartEmbedded(cfg, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	way.barred.Store(false)
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

// way leads to a server unless it is barred.
type way struct {
	net.Dialer

	barred atomic.Bool
}

func (w *way) Dial(network, address string) (net.Conn, error) {
	if w.barred.Load() {
		return nil, errors.New("barred")
	}
	return w.Dialer.Dial(network, address)
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
	if err := admit(t.Context(), s.book, others, push); !errors.Is(err, failing) {
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

// TestAdmitWithoutADoor: where only the process itself can connect, letting in does not
// touch the account HUB, whose connection lacks JetStream's API for a moment then.
func TestAdmitWithoutADoor(t *testing.T) {
	dir := t.TempDir()
	s, err := StartEmbedded(Embedded{Dir: dir, MaxStore: 1 << 30, AllowTemp: true, Organisations: lhm}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	b, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	done, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(failed)
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := b.js.AccountInfo(t.Context()); err != nil {
				failed <- err
				return
			}
		}
	}()
	for i := range 100 {
		if err := s.Admit(t.Context(), MailboxOwners{All: []string{"lhm.x", "lhm.y"}[:i%2+1]}, lhm); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	if err := <-failed; err != nil {
		t.Error("the hub's own request: ", err)
	}
	if _, err := os.Stat(filepath.Join(dir, LocalCredential)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("there is a local credential that opens nothing: ", err)
	}
}

// TestAddressInUse: that the address is another's is said at once.
func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s, err := StartEmbedded(Embedded{Dir: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true, Listen: l.Addr().String()}, zap.NewNop())
	if err == nil {
		s.Stop()
	}
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("started on %s: %v", l.Addr(), err)
	}
}
