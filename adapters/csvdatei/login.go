package csvdatei

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/amtsbote/amtsbote/hub"
)

// dialTimeout is how long connection and login may take.
const dialTimeout = 20 * time.Second

type sftpSettings struct {
	Address string `yaml:"address"`
	User    string `yaml:"user"`
	// HostKeys are the server's public keys, as in a known_hosts file without the
	// name: "ssh-ed25519 AAAA…". Any other is refused.
	HostKeys []string `yaml:"host-keys"`
	// KeyFile or PasswordFile: relative paths start at the data directory.
	KeyFile      string `yaml:"key-file"`
	PasswordFile string `yaml:"password-file"`
	Dir          string `yaml:"dir"`
	// Done is the server's directory for fetched files; empty: they are deleted.
	Done string        `yaml:"done"`
	Poll time.Duration `yaml:"poll"`
	// Claim renames a file before it is fetched; false is for servers that refuse
	// renames.
	Claim bool `yaml:"claim"`
}

func sftpDefaults() sftpSettings { return sftpSettings{Dir: ".", Poll: time.Minute, Claim: true} }

func (s sftpSettings) given() bool { return s.Address != "" }

func (s sftpSettings) problem() (key, why string) {
	if !s.given() {
		if s.User != "" || s.HostKeys != nil || s.KeyFile != "" || s.PasswordFile != "" {
			return "address", "is missing: host:port of the server"
		}
		return "", ""
	}
	switch {
	case !hostPort(s.Address):
		return "address", "must be host:port"
	case s.User == "":
		return "user", "is missing"
	case len(s.HostKeys) == 0:
		return "host-keys", "is missing: the server's public keys, as ssh-keyscan prints them, without the name"
	case (s.KeyFile == "") == (s.PasswordFile == ""):
		return "key-file", "must be given, or password-file"
	case !s.Claim && s.Done != "":
		return "claim", "must be true with done, which needs renames too"
	case s.Poll < 10*time.Millisecond:
		return "poll", "must be at least 10ms"
	}
	if _, err := s.hostKeys(); err != nil {
		return "host-keys", err.Error()
	}
	return "", ""
}

func hostPort(address string) bool {
	host, port, err := net.SplitHostPort(address)
	return err == nil && host != "" && port != ""
}

func (s sftpSettings) hostKeys() ([]ssh.PublicKey, error) {
	var out []ssh.PublicKey
	for _, text := range s.HostKeys {
		key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text))
		if err != nil || len(bytes.TrimSpace(rest)) > 0 {
			return nil, errors.New("one is no public key like ssh-ed25519 AAAA…")
		}
		out = append(out, key)
	}
	return out, nil
}

// login is how the adapter shows who it is; the files are read at each connection,
// so that they can be replaced.
type login struct {
	set  sftpSettings
	keys []ssh.PublicKey
	dir  string
}

func newLogin(env hub.Env, set sftpSettings) (login, error) {
	keys, err := set.hostKeys()
	return login{set: set, keys: keys, dir: env.Dir}, err
}

func (l login) secret(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.dir, name)
	}
	raw, err := os.ReadFile(name) //nolint:gosec // named by the operator
	if err != nil {
		return nil, fmt.Errorf("read the key or password for sftp: %w", err)
	}
	return raw, nil
}

func (l login) method() (ssh.AuthMethod, error) {
	if l.set.PasswordFile != "" {
		raw, err := l.secret(l.set.PasswordFile)
		return ssh.Password(strings.TrimRight(string(raw), "\r\n")), err
	}
	raw, err := l.secret(l.set.KeyFile)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		return nil, errors.New("key-file holds no private key without a passphrase (OpenSSH or PEM)")
	}
	return ssh.PublicKeys(signer), nil
}

func (l login) config() (*ssh.ClientConfig, error) {
	method, err := l.method()
	if err != nil {
		return nil, err
	}
	var algorithms []string
	for _, key := range l.keys {
		if key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		algorithms = append(algorithms, key.Type())
	}
	return &ssh.ClientConfig{
		User: l.set.User, Auth: []ssh.AuthMethod{method}, Timeout: dialTimeout,
		HostKeyAlgorithms: algorithms, HostKeyCallback: l.known,
	}, nil
}

// known lets only the pinned keys pass.
func (l login) known(_ string, _ net.Addr, key ssh.PublicKey) error {
	for _, k := range l.keys {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return nil
		}
	}
	return errors.New("the server's key is none of host-keys: it is another server, or its key was changed")
}

// connect opens a session; hangUp ends it, and so does the end of ctx.
func (r *remote) connect(ctx context.Context) (client *sftp.Client, hangUp func(), err error) {
	config, err := r.auth.config()
	if err != nil {
		return nil, nil, err
	}
	conn, err := r.dial(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("reach the sftp server: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(patient{conn}, r.set.SFTP.Address, config)
	if err != nil {
		stop()
		return nil, nil, errors.Join(fmt.Errorf("log in at the sftp server: %w", err), conn.Close())
	}
	session := ssh.NewClient(c, channels, requests)
	if client, err = sftp.NewClient(session); err != nil {
		stop()
		return nil, nil, errors.Join(fmt.Errorf("open sftp: %w", err), session.Close())
	}
	return client, func() {
		_ = session.Close() // the connection first: nobody waits for the server's farewell
		_ = client.Close()
		_ = session.Wait()
		stop()
	}, nil
}

// silence is how long the server may say nothing before it counts as gone.
const silence = time.Minute

// patient gives up a connection on which nothing comes any more.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}
