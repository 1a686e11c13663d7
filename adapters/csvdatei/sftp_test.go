package csvdatei_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// sftpServer is an SSH server with SFTP on a directory, in this process.
type sftpServer struct {
	address string
	hostKey string
	root    string
	accepts int
	logins  int
	mu      sync.Mutex
}

func newKey(t testing.TB) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer, key
}

func newSFTP(t *testing.T, client ssh.PublicKey) *sftpServer {
	t.Helper()
	host, _ := newKey(t)
	s := &sftpServer{root: t.TempDir(), hostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host.PublicKey())))}
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(client.Marshal()) {
				return nil, errors.New("not this key")
			}
			return nil, nil
		},
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != "ein-langes-kennwort" {
				return nil, errors.New("not this password")
			}
			return nil, nil
		},
	}
	config.AddHostKey(host)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.accepts++
			s.mu.Unlock()
			served.Go(func() { s.serve(conn, config) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		served.Wait()
	})
	return s
}

func (s *sftpServer) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close() //nolint:errcheck // a test's
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		server, err := sftp.NewServer(channel, sftp.WithServerWorkingDirectory(s.root))
		if err != nil {
			return
		}
		if err := errors.Join(ignoreEOF(server.Serve()), channel.Close()); err != nil {
			return
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (s *sftpServer) put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.root, "ausgang"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.root, "ausgang", name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sftpServer) has(name string) bool {
	_, err := os.Lstat(filepath.Join(s.root, name))
	return err == nil
}

func remoteSettings(s *sftpServer, more string) string {
	return settings + fmt.Sprintf("sftp:\n  address: %s\n  user: amt\n  host-keys: [%q]\n  dir: ausgang\n  poll: 20ms\n", s.address, s.hostKey) + more
}

func TestSFTP(t *testing.T) {
	signer, key := newKey(t)
	s := newSFTP(t, signer.PublicKey())
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, settings)
	o.write(t, "geheim/schluessel", string(pem.EncodeToMemory(block)))
	o.settings = remoteSettings(s, "  key-file: geheim/schluessel\n  done: ausgang/erledigt\n")
	s.put(t, "liste.csv", "Vorgang;Betrag;Name\n1;1;A\n")
	s.put(t, "liste.csv.tmp", "unfertig")
	s.put(t, ".verborgen.csv", "unfertig")
	s.put(t, "gross.csv", strings.Repeat("x", 5000))
	in := adaptertest.NewIntake()
	o.play(t, in, func() bool { return len(in.Events()) == 1 && s.has("ausgang/erledigt/liste.csv") })
	// The name is part of the rows' ids, as with files that are dropped.
	if got := in.Events()[0]; string(got.Data()) != `{"betrag":1,"name":"A"}` {
		t.Errorf("%s", got)
	}
	if s.has("ausgang/liste.csv") || !s.has("ausgang/liste.csv.tmp") || !s.has("ausgang/.verborgen.csv") || !s.has("ausgang/gross.csv") {
		t.Error("the server's directory is not as it should be")
	}
	// Another file of the same name: both are kept.
	s.put(t, "liste.csv", "Vorgang;Betrag;Name\n2;2;B\n")
	o.play(t, in, func() bool {
		kept, _ := filepath.Glob(filepath.Join(s.root, "ausgang", "erledigt", "*"))
		return len(in.Events()) == 2 && len(kept) == 2
	})
}

// TestSFTPFetchedOnce: a fetched file cannot be moved on the server (a file stands
// where the directory would be made); it is fetched once all the same.
func TestSFTPFetchedOnce(t *testing.T) {
	signer, _ := newKey(t)
	s := newSFTP(t, signer.PublicKey())
	o := newOffice(t, settings)
	o.write(t, "geheim/kennwort", "ein-langes-kennwort\n")
	o.settings = remoteSettings(s, "  password-file: geheim/kennwort\n  done: ausgang/erledigt\n")
	s.put(t, "erledigt", "im Weg")
	s.put(t, "liste.csv", "Vorgang;Betrag;Name\n1;1;A\n")
	in := adaptertest.NewIntake()
	logins := func() int { s.mu.Lock(); defer s.mu.Unlock(); return s.logins }
	o.play(t, in, func() bool { return len(in.Events()) == 1 && logins() > 6 })
	before := logins()
	o.play(t, in, func() bool { return logins() > before+4 }) // after a restart
	if n := len(o.files("done/*/*/*/*.csv")); n != 1 || !s.has("ausgang/.amtsbote.liste.csv") {
		t.Errorf("%d files done", n)
	}
	if err := os.Remove(filepath.Join(s.root, "ausgang", "erledigt")); err != nil {
		t.Fatal(err)
	}
	o.play(t, in, func() bool { return s.has("ausgang/erledigt/liste.csv") })
	if n := len(in.Events()); n != 1 {
		t.Errorf("%d events", n)
	}
}

// replacing puts another file under the name while the first is being fetched:
// when the source remembers that it has the bytes.
type replacing struct {
	*adaptertest.Intake
	once    sync.Once
	replace func()
}

func (r *replacing) State() hub.State { return replacingState{r.Intake.State(), r} }

type replacingState struct {
	hub.State
	of *replacing
}

func (s replacingState) Put(ctx context.Context, key string, value []byte) error {
	if strings.HasPrefix(key, "sftp.") {
		s.of.once.Do(s.of.replace)
	}
	return s.State.Put(ctx, key, value)
}

// TestSFTPReplacedMeanwhile: a file that gets the name of one that is being
// fetched is not cleared with it.
func TestSFTPReplacedMeanwhile(t *testing.T) {
	for _, claim := range []string{"true", "false"} {
		t.Run("claim "+claim, func(t *testing.T) {
			signer, _ := newKey(t)
			s := newSFTP(t, signer.PublicKey())
			o := newOffice(t, settings)
			o.write(t, "geheim/kennwort", "ein-langes-kennwort\n")
			o.settings = remoteSettings(s, "  password-file: geheim/kennwort\n  claim: "+claim+"\n")
			s.put(t, "liste.csv", "Vorgang;Betrag;Name\n1;1;A\n")
			in := &replacing{Intake: adaptertest.NewIntake(), replace: func() { s.put(t, "liste.csv", "Vorgang;Betrag;Name\n22;22;B\n") }}
			o.play(t, in, func() bool {
				return len(in.Events()) == 2 && !s.has("ausgang/liste.csv") && !s.has("ausgang/.amtsbote.liste.csv")
			})
			if got := string(in.Events()[1].Data()); got != `{"betrag":22,"name":"B"}` {
				t.Error(got)
			}
		})
	}
}

// TestSFTPSidecar: a claim that a crash has left half done, and a sidecar that lies
// in in/ already, stop nothing.
func TestSFTPSidecar(t *testing.T) {
	signer, _ := newKey(t)
	s := newSFTP(t, signer.PublicKey())
	o := newOffice(t, settings)
	o.write(t, "geheim/kennwort", "ein-langes-kennwort\n")
	o.settings = "sidecar: .ok\n" + remoteSettings(s, "  password-file: geheim/kennwort\n")
	s.put(t, "liste.csv", "Vorgang;Betrag;Name\n1;1;A\n")
	s.put(t, ".amtsbote.liste.csv.ok", "")
	s.put(t, "wartet.csv", "Vorgang;Betrag;Name\n3;3;C\n")
	o.write(t, "drop/in/liste.csv.ok", "")
	in := adaptertest.NewIntake()
	o.play(t, in, func() bool {
		return len(in.Events()) == 1 && !s.has("ausgang/.amtsbote.liste.csv") && !s.has("ausgang/.amtsbote.liste.csv.ok")
	})
	if !s.has("ausgang/wartet.csv") {
		t.Error("a file without its sidecar was taken")
	}
}

// TestSFTPAnotherServer: a server with another key gets no login.
func TestSFTPAnotherServer(t *testing.T) {
	signer, _ := newKey(t)
	s := newSFTP(t, signer.PublicKey())
	other := newSFTP(t, signer.PublicKey())
	o := newOffice(t, settings)
	o.write(t, "geheim/kennwort", "ein-langes-kennwort\n")
	other.put(t, "liste.csv", "Vorgang;Betrag;Name\n1;1;A\n")
	o.settings = strings.ReplaceAll(remoteSettings(s, "  password-file: geheim/kennwort\n"), s.address, other.address)
	in := adaptertest.NewIntake()
	accepts := func() int { other.mu.Lock(); defer other.mu.Unlock(); return other.accepts }
	o.play(t, in, func() bool { return accepts() > 2 }) // two attempts have ended
	if other.logins != 0 || !other.has("ausgang/liste.csv") {
		t.Error("the adapter logged in at a server that it does not know")
	}
}
