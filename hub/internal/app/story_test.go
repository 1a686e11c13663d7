package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/examples"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// watch collects outcomes and tells when there are new ones.
type watch struct {
	decided   chan *decision.Decision
	delivered chan *decision.Delivery
}

func newWatch() *watch {
	return &watch{make(chan *decision.Decision, 1000), make(chan *decision.Delivery, 1000)}
}

func (w *watch) Decided(d *decision.Decision)   { w.decided <- d }
func (w *watch) Delivered(d *decision.Delivery) { w.delivered <- d }

// expect waits until n decisions and m deliveries were told.
func (w *watch) expect(t *testing.T, n, m int) (ds []*decision.Decision, ms []*decision.Delivery) {
	t.Helper()
	limit := time.After(hubtest.Patience)
	for len(ds) < n || len(ms) < m {
		select {
		case d := <-w.decided:
			ds = append(ds, d)
		case d := <-w.delivered:
			ms = append(ms, d)
		case <-limit:
			t.Fatalf("%d of %d decisions, %d of %d deliveries", len(ds), n, len(ms), m)
		}
	}
	return ds, ms
}

// story unpacks the story Wohnsitzanmeldung, with the folder as the only way in: tests
// say themselves what comes when.
func story(t *testing.T) string {
	t.Helper()
	dir := wholeStory(t)
	file := filepath.Join(dir, "federation.yaml")
	raw, err := os.ReadFile(file)
	must(t, err)
	rest, _, found := bytes.Cut(raw, []byte("  # FIT-Connect"))
	if !found {
		t.Fatal("federation.yaml does not play FIT-Connect at its end")
	}
	must(t, os.WriteFile(file, rest, 0o600))
	must(t, os.Remove(filepath.Join(dir, "adapters", "antragseingang.yaml")))
	return dir
}

// wholeStory unpacks it with FIT-Connect, as people run it.
func wholeStory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, examples.Stories))
	return filepath.Join(dir, "wohnsitzanmeldung")
}

func startApp(t *testing.T, cfg app.Config) *app.App {
	t.Helper()
	cfg.AllowTemp, cfg.Log = true, zap.NewNop()
	if cfg.RemoveEvery == 0 {
		cfg.RemoveEvery = -1 // tests look at what lies in OUT
	}
	cfg.Kinds, cfg.Simulators = adapters.Kinds(), adapters.Simulators()
	a, err := app.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func stopApp(t *testing.T, a *app.App) {
	t.Helper()
	if err := a.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func handIn(t *testing.T, dir, data string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "faelle", "*.xml"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d applications in the story: %v", len(files), err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(data, "drop", "onlinedienst", "in", filepath.Base(f))
		if err := os.WriteFile(target+".tmp", content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(target+".tmp", target); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStory runs the story on the embedded server and on an external one: each
// receiver has exactly the events and the fields of its agreement.
func TestStory(t *testing.T) {
	for name, external := range map[string]bool{"embedded": false, "external": true} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			dir, data, w := story(t), filepath.Join(t.TempDir(), "data"), newWatch()
			cfg := app.Config{Directory: dir, Data: data, Observer: w}
			if external {
				s := externalServer(t, nil)
				defer stopServer(s)
				cfg.External = &bus.External{URL: "nats://hub:secret@" + s.Addr().String()}
				cfg.Monitor = "http://" + s.MonitorAddr().String()
			}
			a := startApp(t, cfg)
			defer func() { stopApp(t, a) }()
			handIn(t, dir, data)
			ds, _ := w.expect(t, 5, 12) // with a receipt each
			for _, d := range ds {
				if d.Outcome != hub.Routed {
					t.Errorf("%s of %s is %s (%s)", d.Type, d.Application, d.Outcome, d.Code)
				}
			}
			checkMailboxes(t, data)

			// the same applications again, after a restart: nothing new anywhere
			stopApp(t, a)
			a = startApp(t, cfg)
			handIn(t, dir, data)
			ds, _ = w.expect(t, 2, 0)
			for _, d := range ds {
				if d.Outcome != hub.Suppressed {
					t.Errorf("an application handed in again is %s, want suppressed", d.Outcome)
				}
			}
			checkMailboxes(t, data)
		})
	}
}

// checkMailboxes counts what lies at each receiver, field by field.
func checkMailboxes(t *testing.T, data string) {
	t.Helper()
	want := map[string][]string{
		"abfall": {"/anschrift/ags", "/anschrift/hausnummer", "/anschrift/ort", "/anschrift/plz", "/anschrift/strasse", "/einzug"},
		"kfz": {
			"/anschrift/ags", "/anschrift/hausnummer", "/anschrift/ort", "/anschrift/plz", "/anschrift/strasse", "/einzug",
			"/person/geburtsdatum", "/person/name/familienname", "/person/name/vornamen",
		},
		"auslaenderbehoerde": {
			"/anschrift/ags", "/anschrift/hausnummer", "/anschrift/ort", "/anschrift/plz", "/anschrift/strasse",
			"/bisherigeAnschrift/ags", "/bisherigeAnschrift/hausnummer", "/bisherigeAnschrift/ort", "/bisherigeAnschrift/plz", "/bisherigeAnschrift/strasse",
			"/einzug", "/person/geburtsdatum", "/person/name/familienname", "/person/name/vornamen", "/person/staatsangehoerigkeiten/0",
		},
	}
	for box, fields := range want {
		events := eventsIn(t, filepath.Join(data, "drop", box, "out"))
		if len(events) != 1 {
			t.Errorf("%s has %d events, want 1", box, len(events))
			continue
		}
		if got := leaves(events[0]["data"], ""); !slices.Equal(got, fields) {
			t.Errorf("%s was given\n %s\nwant\n %s", box, strings.Join(got, " "), strings.Join(fields, " "))
		}
	}
	answers, err := filepath.Glob(filepath.Join(data, "drop", "onlinedienst", "out", "XMeld_1707_*.xml"))
	if err != nil || len(answers) != 2 {
		t.Errorf("the online service has %d answers, want 2 (%v)", len(answers), err)
	}
}

func eventsIn(t *testing.T, dir string) []map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var e map[string]any
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out = append(out, e)
	}
	return out
}

// leaves lists the JSON Pointers of all leaves.
func leaves(v any, at string) []string {
	var out []string
	switch x := v.(type) {
	case map[string]any:
		for k, inner := range x {
			out = append(out, leaves(inner, at+"/"+k)...)
		}
	case []any:
		for i, inner := range x {
			out = append(out, leaves(inner, fmt.Sprintf("%s/%d", at, i))...)
		}
	default:
		out = []string{at}
	}
	sort.Strings(out)
	return out
}

// externalServer starts a server as deploy/nats/nats.conf describes one, on
// loopback; change may spoil it.
func externalServer(t *testing.T, change func(*server.Options)) *server.Server {
	t.Helper()
	opts := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, HTTPHost: "127.0.0.1", HTTPPort: server.RANDOM_PORT,
		JetStream: true, JetStreamDomain: bus.Domain, StoreDir: t.TempDir(), SyncAlways: true,
		JetStreamMaxStore: 1 << 40, MaxPayload: bus.MaxPayload, NoSigs: true, NoLog: true,
	}
	hub := server.NewAccount("HUB")
	opts.Accounts = []*server.Account{hub}
	opts.Users = []*server.User{{Username: "hub", Password: "secret", Account: hub}}
	if change != nil {
		change(opts)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the external server did not start")
	}
	if account, err := s.LookupAccount("HUB"); err == nil {
		must(t, account.EnableJetStream(nil, nil))
	}
	return s
}

// monitor is a server's monitoring address.
func monitor(s *server.Server) string { return "http://" + s.MonitorAddr().String() }

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// TestServerComesBack: the external server goes away while the hub runs and
// comes back; work goes on by itself, nothing is lost or stored twice.
func TestServerComesBack(t *testing.T) {
	dir, data, w, store := story(t), filepath.Join(t.TempDir(), "data"), newWatch(), t.TempDir()
	s := externalServer(t, func(o *server.Options) { o.StoreDir = store })
	addr := s.Addr().(*net.TCPAddr) //nolint:errcheck // a TCP listener
	a := startApp(t, app.Config{
		Directory: dir, Data: data, Observer: w, Monitor: monitor(s),
		External: &bus.External{URL: "nats://hub:secret@" + addr.String()},
	})
	defer func() { stopApp(t, a) }()
	stopServer(s)
	handIn(t, dir, data) // the adapters cannot publish now
	s = externalServer(t, func(o *server.Options) { o.StoreDir, o.Port = store, addr.Port })
	defer stopServer(s)
	w.expect(t, 5, 12)
	checkMailboxes(t, data)
}
