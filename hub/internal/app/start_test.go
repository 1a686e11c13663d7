package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

// failing starts the hub, which must refuse with an error that holds want.
func failing(t *testing.T, cfg app.Config, want ...string) {
	t.Helper()
	err := startError(t, cfg)
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q:\n%v", w, err)
		}
	}
}

func startError(t *testing.T, cfg app.Config) error {
	t.Helper()
	cfg.Log, cfg.Kinds, cfg.Simulators = zap.NewNop(), adapters.Kinds(), adapters.Simulators()
	a, err := app.New(cfg)
	if err == nil {
		if err = a.Start(t.Context()); err == nil {
			stopApp(t, a)
			t.Fatal("the hub started")
		}
	}
	return err
}

func TestExternalServerThatBreaksPromises(t *testing.T) {
	s := externalServer(t, func(o *server.Options) {
		o.SyncAlways, o.NoJetStreamStrict, o.MaxPayload, o.Accounts, o.Users = false, true, 1<<20, nil, nil
	})
	defer stopServer(s)
	cfg := app.Config{Directory: story(t), Data: t.TempDir(), Monitor: monitor(s), External: &bus.External{URL: s.ClientURL()}}
	failing(t, cfg, "sync_interval", "strict", "no login", "max_payload", "no accounts")
	cfg.Accept = bus.Deviations
	failing(t, cfg, "max_payload") // nobody can accept that
	if err := startError(t, cfg); strings.Contains(err.Error(), "strict") {
		t.Errorf("what is accepted is refused: %v", err)
	}
}

// TestExternalServerIsVerified: without its monitoring address nobody knows what a
// server promises; accepted by name, the hub starts.
func TestExternalServerIsVerified(t *testing.T) {
	s := externalServer(t, nil)
	defer stopServer(s)
	cfg := app.Config{Directory: story(t), Data: t.TempDir(), External: &bus.External{URL: "nats://hub:secret@" + s.Addr().String()}}
	failing(t, cfg, "not known", "--nats-monitor")
	cfg.AllowTemp, cfg.Accept = true, []string{"unverified"}
	stopApp(t, startApp(t, cfg))
}

func TestChangedQuotaIsDrift(t *testing.T) {
	dir, data := story(t), t.TempDir()
	stopApp(t, startApp(t, app.Config{Directory: dir, Data: data}))
	path := filepath.Join(dir, "organisations", "lhm.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(content, "quota: 2GiB\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	failing(t, app.Config{Directory: dir, Data: data, AllowTemp: true}, "stream IN_lhm: max bytes is 1073741824, must be 2147483648", "stream EDGE_lhm")
}

func TestDataDirectoryIsForOne(t *testing.T) {
	dir, data := story(t), t.TempDir()
	a := startApp(t, app.Config{Directory: dir, Data: data})
	defer stopApp(t, a)
	if err := startError(t, app.Config{Directory: dir, Data: data, AllowTemp: true}); !errors.Is(err, app.ErrInUse) {
		t.Errorf("a second hub on the same data: %v", err)
	}
}

func TestUnsafeStarts(t *testing.T) {
	dir := story(t)
	for name, c := range map[string]struct {
		cfg  app.Config
		want string
	}{
		"data below the temporary directory": {app.Config{Data: t.TempDir()}, "may clear"},
		"a listener that others can reach":   {app.Config{Data: t.TempDir(), AllowTemp: true, Listen: "0.0.0.0:0"}, "can be reached from other machines"},
		"a listener without an address":      {app.Config{Data: t.TempDir(), AllowTemp: true, Listen: ":4222"}, "can be reached from other machines"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Directory = dir
			failing(t, c.cfg, c.want)
		})
	}
}

func TestLostStoreKeyIsSaid(t *testing.T) {
	dir, data := story(t), t.TempDir()
	stopApp(t, startApp(t, app.Config{Directory: dir, Data: data}))
	if err := os.Remove(filepath.Join(data, "store.key")); err != nil {
		t.Fatal(err)
	}
	failing(t, app.Config{Directory: dir, Data: data, AllowTemp: true}, "restore the key from your backup")
}

// TestStoreIsEncrypted: no name of the story can be found in the store's files.
func TestStoreIsEncrypted(t *testing.T) {
	dir, data, w := story(t), t.TempDir(), newWatch()
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: w})
	handIn(t, dir, data)
	w.expect(t, 5, 7)
	stopApp(t, a)
	files := 0
	err := filepath.WalkDir(filepath.Join(data, "jetstream"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), "Rossi") {
			t.Errorf("%s holds a name in plain text", path)
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("looked into %d files: %v", files, err)
	}
}
