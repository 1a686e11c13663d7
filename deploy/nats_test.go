package deploy_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// hubKey is a user nkey made for one test.
type hubKey struct {
	public string
	seed   []byte
	sign   nats.SignatureHandler
}

func newHubKey(t *testing.T) hubKey {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return hubKey{public, seed, pair.Sign}
}

// natsVariables are those that nats.conf asks for.
var natsVariables = []string{
	"NATS_HOST", "NATS_STORE_DIR", "NATS_STORE_KEY", "NATS_HUB_NKEY",
}

// setNATSEnv gives nats.conf the variables that it asks for.
func setNATSEnv(t *testing.T, key hubKey) {
	t.Helper()
	t.Setenv("NATS_HOST", "127.0.0.1")
	t.Setenv("NATS_STORE_DIR", t.TempDir())
	t.Setenv("NATS_STORE_KEY", "k0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	t.Setenv("NATS_HUB_NKEY", key.public)
}

func loadNATSConf() (*server.Options, error) {
	return server.ProcessConfigFile(filepath.Join("nats", "nats.conf"))
}

// startNATS starts nats.conf as it stands, on free ports.
func startNATS(t *testing.T) *server.Server {
	t.Helper()
	opts, err := loadNATSConf()
	if err != nil {
		t.Fatal(err)
	}
	opts.Port, opts.HTTPPort, opts.NoSigs, opts.NoLog = server.RANDOM_PORT, server.RANDOM_PORT, true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s
}

func TestNATSConf(t *testing.T) {
	key := newHubKey(t)
	setNATSEnv(t, key)
	s := startNATS(t)

	varz, err := s.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	config := s.JetStreamConfig()
	opts, err := loadNATSConf()
	if err != nil {
		t.Fatal(err)
	}
	for what, ok := range map[string]bool{
		"writes are synced":           config.SyncAlways,
		"domain hub":                  config.Domain == "hub",
		"strict requests":             config.Strict,
		"encrypted store":             opts.JetStreamCipher == server.ChaCha && opts.JetStreamKey != "",
		"store below the folder":      filepath.IsAbs(config.StoreDir),
		"fixed size of the store":     config.MaxStore == 64<<30,
		"login required":              varz.AuthRequired,
		"nobody without an account":   opts.NoAuthUser == "",
		"largest payload 8 MiB":       varz.MaxPayload == 8<<20,
		"one interface for clients":   varz.Host == "127.0.0.1",
		"same interface for health":   varz.HTTPHost == "127.0.0.1",
		"no MQTT":                     opts.MQTT.Port == 0,
		"no WebSocket":                opts.Websocket.Port == 0,
		"no leaf nodes":               opts.LeafNode.Port == 0,
		"no cluster and no gateway":   opts.Cluster.Port == 0 && opts.Gateway.Port == 0,
		"system account of its own":   s.SystemAccount() != nil && s.SystemAccount().Name == "SYS",
		"no default account for apps": !s.GlobalAccount().JetStreamEnabled(),
	} {
		if !ok {
			t.Errorf("not so: %s", what)
		}
	}
}

func TestNATSConfLogin(t *testing.T) {
	key := newHubKey(t)
	setNATSEnv(t, key)
	s := startNATS(t)

	stranger := newHubKey(t)
	for name, opts := range map[string][]nats.Option{
		"without login": nil,
		"another nkey":  {nats.Nkey(stranger.public, stranger.sign)},
		"password":      {nats.UserInfo("hub", "hub")},
	} {
		if nc, err := nats.Connect(s.ClientURL(), opts...); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: %v, want %v", name, err, nats.ErrAuthorization)
			if err == nil {
				nc.Close()
			}
		}
	}

	nc, err := nats.Connect(s.ClientURL(), nats.Nkey(key.public, key.sign))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.NewWithDomain(nc, "hub")
	if err != nil {
		t.Fatal(err)
	}
	info, err := js.AccountInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Domain != "hub" {
		t.Errorf("domain %q, want hub", info.Domain)
	}
	checkEncrypted(t, js, s.JetStreamConfig().StoreDir)
}

// checkEncrypted stores a message and looks for its text in the store's files.
func checkEncrypted(t *testing.T, js jetstream.JetStream, dir string) {
	t.Helper()
	const text = "Familienname Musterfrau"
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "T", Subjects: []string{"t"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "t", []byte(text)); err != nil {
		t.Fatal(err)
	}
	blocks := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if filepath.Ext(name) == ".blk" && len(content) > 0 {
			blocks++
		}
		if bytes.Contains(content, []byte(text)) {
			t.Errorf("%s holds plain text", name)
		}
		return err
	})
	if err != nil || blocks == 0 {
		t.Errorf("%d message blocks found: %v", blocks, err)
	}
}

// A variable that is not set stops the server. One that is set to nothing does
// not (the store would then not be encrypted): compose.yml refuses that.
func TestNATSConfWithoutVariable(t *testing.T) {
	for _, name := range natsVariables {
		t.Run(name, func(t *testing.T) {
			setNATSEnv(t, newHubKey(t))
			if err := os.Unsetenv(name); err != nil { // t.Setenv puts it back
				t.Fatal(err)
			}
			if _, err := loadNATSConf(); err == nil {
				t.Errorf("accepted without %s", name)
			}
		})
	}
}
