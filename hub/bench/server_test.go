package bench

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// storeKey encrypts a store that lives as long as one run.
const storeKey = "a key for measurements, no secret"

// serveNATS is the server as its own process: with the settings that the hub
// demands (encrypted, strict, a login), and synced writes or not.
func serveNATS() error {
	signal.Ignore(os.Interrupt) // it ends when its parent says so, and shuts the store
	opts := &server.Options{
		ServerName: "bench", Host: "127.0.0.1", Port: server.RANDOM_PORT, HTTPHost: "127.0.0.1", HTTPPort: server.RANDOM_PORT,
		NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: os.Getenv("AMTSBOTE_BENCH_STORE"), JetStreamMaxStore: 1 << 46,
		JetStreamKey: storeKey, JetStreamCipher: server.ChaCha,
		SyncAlways: os.Getenv("AMTSBOTE_BENCH_SYNCED") == "true", MaxPayload: 2 << 20,
		Nkeys: []*server.NkeyUser{{Nkey: os.Getenv("AMTSBOTE_BENCH_USER")}},
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return errors.New("the server did not come up")
	}
	stop, err := profile("server")
	if err != nil {
		return err
	}
	fmt.Println("ready", s.Addr(), s.MonitorAddr())
	untilParentEnds()
	s.Shutdown()
	s.WaitForShutdown()
	return stop()
}

// natsServer is one as a process.
type natsServer struct {
	*process
	url, monitor string
	synced       bool
}

// user makes the one login of a run's servers; its seed lies in dir.
func user(t *testing.T, dir string) (public string) {
	t.Helper()
	kp, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := kp.Seed()
	if err == nil {
		err = os.WriteFile(seedFile(dir), seed, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if public, err = kp.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return public
}

func seedFile(dir string) string { return filepath.Join(dir, "user.nk") }

// startNATS starts a server on the store in dir.
func startNATS(t *testing.T, dir, user string, synced bool) *natsServer {
	t.Helper()
	p := again(t, filepath.Join(dir, "server.log"), "server", "AMTSBOTE_BENCH_STORE="+filepath.Join(dir, "store"),
		fmt.Sprint("AMTSBOTE_BENCH_SYNCED=", synced), "AMTSBOTE_BENCH_USER="+user)
	ready := strings.Fields(p.says("ready"))
	return &natsServer{process: p, url: "nats://" + ready[1], monitor: "http://" + ready[2], synced: synced}
}

// connect opens JetStream as the one user whose seed is in a file.
func connect(url, seed string, opts ...jetstream.JetStreamOpt) (*nats.Conn, jetstream.JetStream, error) {
	login, err := nats.NkeyOptionFromSeed(seed)
	if err != nil {
		return nil, nil, err
	}
	nc, err := nats.Connect(url, login)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc, opts...)
	return nc, js, err
}
