package bus

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// outside is a NATS server in operator mode that others run.
type outside struct {
	t      *testing.T
	dir    string
	ns     *server.Server
	signer string // file with the seed of a signing key of the operator
	system string // credentials file of the system account
}

func key(t *testing.T, make func() (nkeys.KeyPair, error)) (kp nkeys.KeyPair, pub string, seed []byte) {
	t.Helper()
	kp, err := make()
	if err == nil {
		pub, err = kp.PublicKey()
	}
	if err == nil {
		seed, err = kp.Seed()
	}
	if err != nil {
		t.Fatal(err)
	}
	return kp, pub, seed
}

// newOutside starts one after change has had its options.
func newOutside(t *testing.T, change func(*server.Options)) *outside {
	t.Helper()
	f := &outside{t: t, dir: t.TempDir()}
	operator, operatorPub, _ := key(t, nkeys.CreateOperator)
	_, signerPub, signerSeed := key(t, nkeys.CreateOperator)
	system, systemPub, _ := key(t, nkeys.CreateAccount)
	_, userPub, userSeed := key(t, nkeys.CreateUser)
	claims := jwt.NewOperatorClaims(operatorPub)
	claims.SigningKeys.Add(signerPub)
	claims.SystemAccount = systemPub
	text, err := claims.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err = jwt.DecodeOperatorClaims(text); err != nil {
		t.Fatal(err)
	}
	account := jwt.NewAccountClaims(systemPub)
	accountText, err := account.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	userText, err := jwt.NewUserClaims(userPub).Encode(system)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(userText, userSeed)
	if err != nil {
		t.Fatal(err)
	}
	f.signer, f.system = f.file("signer.nk", signerSeed), f.file("system.creds", creds)
	resolver, err := server.NewDirAccResolver(filepath.Join(f.dir, "jwt"), 1000, time.Minute, server.NoDelete)
	if err != nil {
		t.Fatal(err)
	}
	if err := resolver.Store(systemPub, accountText); err != nil {
		t.Fatal(err)
	}
	opts := &server.Options{
		ServerName: "foreign", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, MaxPayload: MaxPayload,
		JetStream: true, StoreDir: f.dir, SyncAlways: true, JetStreamMaxStore: 1 << 30,
		TrustedOperators: []*jwt.OperatorClaims{claims}, SystemAccount: systemPub, AccountResolver: resolver,
	}
	if change != nil {
		change(opts)
	}
	if f.ns, err = server.NewServer(opts); err != nil {
		t.Fatal(err)
	}
	f.ns.Start()
	t.Cleanup(func() { f.ns.Shutdown(); f.ns.WaitForShutdown() })
	if !f.ns.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return f
}

func (f *outside) file(name string, content []byte) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

func (f *outside) external() External {
	return External{URL: f.ns.ClientURL(), OperatorKey: f.signer, SystemCreds: f.system}
}

var lhm = []accounts.Organisation{{ID: "lhm", Applications: []accounts.Application{{ID: "lhm.own", Mailbox: "lhm_own"}, {ID: "lhm.x"}}}}

// TestOperator: with an external server in operator mode the hub makes the accounts
// that the embedded one has, and changes them while it runs.
func TestOperator(t *testing.T) {
	f := newOutside(t, nil)
	o, err := JoinOperator(t.Context(), f.external(), Embedded{Dir: t.TempDir(), Organisations: lhm}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Stop()
	b, err := o.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	keys, err := o.Accounts().Accounts("lhm")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.EnsureStreams(t.Context(), small.Specs([]Organisation{{ID: "lhm", Quota: 16 << 20, Account: keys["lhm"]}})); err != nil {
		t.Fatal(err)
	}
	nc, closed := f.join(o, "lhm.x")
	if m, err := nc.Request("in.lhm.x.t", []byte("x"), 5*time.Second); err != nil || !strings.Contains(string(m.Data), `"stream":"IN_lhm"`) {
		t.Fatalf("published: %v %+v", err, m)
	}
	if m, err := b.Get(t.Context(), "IN_lhm", 1); err != nil || m == nil || m.Subject != "in.lhm.x.t" {
		t.Errorf("stored as %+v, %v", m, err)
	}
	if err := errors.Join(o.Accounts().Suspend("lhm.x"), o.Push(t.Context())); err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("suspended, and the connection goes on")
	}
	later := append([]accounts.Organisation{{ID: "akdb", Applications: []accounts.Application{{ID: "akdb.x"}}}}, lhm...)
	if err := o.Admit(t.Context(), MailboxOwners{}, later); err != nil {
		t.Fatal(err)
	}
	f.join(o, "akdb.x") // an organisation that came with a reload
}

// join issues a credential and connects with it.
func (f *outside) join(o *Operator, application string) (*nats.Conn, chan struct{}) {
	f.t.Helper()
	pub, seed, err := accounts.NewUser()
	if err != nil {
		f.t.Fatal(err)
	}
	_, text, err := o.Accounts().Issue(accounts.Request{ID: "1", Application: application, User: pub, Valid: time.Hour, Overlap: accounts.Keep})
	if err != nil {
		f.t.Fatal(err)
	}
	creds, err := accounts.CredentialsFile(text, seed)
	if err != nil {
		f.t.Fatal(err)
	}
	closed := make(chan struct{})
	nc, err := nats.Connect(f.ns.ClientURL(), nats.UserCredentials(f.file("app.creds", creds)), nats.CustomInboxPrefix("_INBOX_"+strings.ReplaceAll(application, ".", "_")),
		nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(nc.Close)
	return nc, closed
}

// TestOperatorRefused: what breaks a promise is said, and nothing is pushed.
func TestOperatorRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server.Options)
		want   string
	}{
		"no sync":       {func(o *server.Options) { o.SyncAlways = false }, "sync_interval"},
		"not strict":    {func(o *server.Options) { o.NoJetStreamStrict = true }, "strict is false"},
		"no JetStream":  {func(o *server.Options) { o.JetStream = false }, "JetStream is off"},
		"small payload": {func(o *server.Options) { o.MaxPayload = 1 << 20 }, "max_payload"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newOutside(t, c.change)
			f.refuses(f.external(), c.want)
		})
	}
	f := newOutside(t, nil)
	_, _, stranger := key(t, nkeys.CreateOperator)
	_, _, account := key(t, nkeys.CreateAccount)
	ext := f.external()
	ext.OperatorKey = f.file("stranger.nk", stranger)
	f.refuses(ext, "does not know the signing key")
	ext.OperatorKey = f.file("account.nk", account)
	f.refuses(ext, "begins with SO")
	if entries, err := os.ReadDir(filepath.Join(f.dir, "jwt")); err != nil || len(entries) != 1 {
		t.Errorf("accounts were pushed: %v, %v", entries, err)
	}
}

func (f *outside) refuses(ext External, want string) {
	f.t.Helper()
	o, err := JoinOperator(f.t.Context(), ext, Embedded{Dir: f.t.TempDir(), Organisations: lhm}, zap.NewNop())
	if err == nil {
		o.Stop()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		f.t.Errorf("%v, want %q", err, want)
	}
}
