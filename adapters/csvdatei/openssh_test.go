package csvdatei_test

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

const (
	sshd    = "/usr/sbin/sshd"
	privSep = "/run/sshd" // root's sshd wants it
)

// TestOpenSSH fetches from a server that others wrote.
func TestOpenSSH(t *testing.T) {
	_, err := os.Stat(sshd)
	if _, sep := os.Stat(privSep); err == nil && os.Geteuid() == 0 {
		err = sep
	}
	if err != nil {
		interop.Missing(t, "OpenSSH ("+err.Error()+"; tools/prepare.sh installs it)")
	}
	o, dir := newOffice(t, settings), t.TempDir()
	hostSigner, host := newKey(t)
	signer, client := newKey(t)
	o.write(t, "geheim/schluessel", keyFile(t, client))
	remote := &sftpServer{root: dir, hostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(hostSigner.PublicKey())))}
	remote.address = openSSH(t, dir, keyFile(t, host), string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ausgang := filepath.Join(dir, "ausgang")
	o.settings = strings.NewReplacer("user: amt", "user: "+me.Username, "dir: ausgang", "dir: "+ausgang).Replace(
		remoteSettings(remote, "  key-file: geheim/schluessel\n  done: "+ausgang+"/erledigt\n"))
	remote.put(t, "liste.csv", "Vorgang;Betrag;Name\n1;1;A\n")
	in := adaptertest.NewIntake()
	o.play(t, in, func() bool { return len(in.Events()) == 1 && remote.has("ausgang/erledigt/liste.csv") })
	remote.put(t, "liste.csv", "Vorgang;Betrag;Name\n2;2;B\n")
	o.settings = strings.Replace(o.settings, "  done: "+ausgang+"/erledigt\n", "", 1)
	o.play(t, in, func() bool { return len(in.Events()) == 2 && !remote.has("ausgang/liste.csv") })
}

func keyFile(t *testing.T, key any) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// openSSH starts a server for one key until the test ends, and gives its address.
func openSSH(t *testing.T, dir, hostKey, authorized string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nPidFile none\nStrictModes no\n"+
		"UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n", port, dir, dir)
	for name, text := range map[string]string{"host": hostKey, "authorized": authorized, "config": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := exec.CommandContext(t.Context(), sshd, "-D", "-e", "-f", filepath.Join(dir, "config"))
	said, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Server listening") {
			break
		}
		t.Log(lines.Text())
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // it stops when nobody reads
		}
	}()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-drained
		_ = server.Wait()
	})
	return address
}
