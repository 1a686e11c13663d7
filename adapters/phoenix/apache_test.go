package phoenix_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

const apache = "/usr/sbin/apache2"

// TestApache: the suite of a sink against mod_dav.
func TestApache(t *testing.T) {
	if _, err := os.Stat(apache); err != nil {
		interop.Missing(t, "apache2 (tools/prepare.sh installs it)")
	}
	root := startApache(t)
	n := 0
	adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination {
		t.Helper()
		n++
		return root.below(t, fmt.Sprint(n)).destination()
	}})
	t.Run("move: false", func(t *testing.T) {
		s := root.below(t, "direct")
		for range 2 {
			if err := s.sink(t, ", move: false").Deliver(t.Context(), delivery(1)); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(s.dir, "phoenix")); err != nil { // what a crash loses
				t.Fatal(err)
			}
		}
		if all, err := s.held(); err != nil || len(all) != 1 {
			t.Error(all, err)
		}
	})
}

// httpd is Debian's Apache with a folder for everybody who knows the password.
type httpd struct{ address, files string }

const httpdConf = `ServerRoot %[1]s
ServerName localhost
Listen %[2]s
PidFile %[1]s/pid
ErrorLog %[1]s/error.log
DocumentRoot %[1]s/files
DavLockDB %[1]s/locks
%[3]s
<IfFile /usr/lib/apache2/modules/mod_mpm_event.so>
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
</IfFile>
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
StartServers 1
<Directory %[1]s/files>
  Dav On
  AuthType Basic
  AuthName test
  AuthUserFile %[1]s/users
  Require valid-user
</Directory>
`

// startApache starts one until the test ends.
func startApache(t *testing.T) *httpd {
	t.Helper()
	dir, err := os.MkdirTemp("", "apache") // t.TempDir is for its owner alone, and Apache gives up root
	if err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(dir, "files")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte(password))
	as := ""
	if os.Geteuid() == 0 {
		as = "User www-data\nGroup www-data"
	}
	write(t, dir, "conf", fmt.Sprintf(httpdConf, dir, address, as))
	write(t, dir, "users", "amtsbote:{SHA}"+base64.StdEncoding.EncodeToString(sum[:])+"\n")
	if err := os.Mkdir(files, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, files, filepath.Join(dir, "users")} {
		own(t, path)
	}
	server := exec.CommandContext(context.WithoutCancel(t.Context()), apache, "-X", "-f", filepath.Join(dir, "conf"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-ended
		_ = os.RemoveAll(dir)
	})
	ready(t, "http://"+address+"/", ended, filepath.Join(dir, "error.log"))
	return &httpd{address, files}
}

// own gives a path to whom Apache becomes.
func own(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return
	}
	who, err := user.Lookup("www-data")
	if err != nil {
		t.Fatal(err)
	}
	var uid, gid int
	if _, err := fmt.Sscan(who.Uid+" "+who.Gid, &uid, &gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// ready waits until a server answers, whatever it says.
func ready(t *testing.T, url string, ended <-chan struct{}, log string) {
	t.Helper()
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			return
		}
		select {
		case <-ended:
			raw, _ := os.ReadFile(log)
			t.Fatalf("the server ended:\n%s", raw)
		case <-late.C:
			t.Fatal("the server does not answer")
		case <-tick.C:
		}
	}
}

// below is a folder of its own on the server.
func (h *httpd) below(t testing.TB, name string) *share {
	t.Helper()
	s := &share{url: "http://" + h.address + "/" + name, user: "amtsbote", files: filepath.Join(h.files, name), dir: t.TempDir()}
	if err := os.MkdirAll(s.files, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.files, 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, s.dir, "passwort", password)
	return s
}
