package csvdatei

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// remote fetches files from an SFTP server into the folder's in/, where they are
// handled like files that were dropped.
type remote struct {
	set  settings
	dial func(context.Context) (net.Conn, error)
	auth login
	log  *zap.Logger

	seen   map[string]string // fingerprint at the last look, by name
	warned map[string]string // fingerprint that was complained about
}

func newRemote(env hub.Env, set settings) (*remote, error) {
	auth, err := newLogin(env, set.SFTP)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &remote{
		set: set, auth: auth, log: env.Log, seen: map[string]string{}, warned: map[string]string{},
		dial: func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", set.SFTP.Address) },
	}, nil
}

func (r *remote) place() string {
	return "sftp://" + r.set.SFTP.Address + path.Join("/", r.set.SFTP.Dir)
}

// run looks again and again until ctx ends. What fails is tried again at the next
// look: the files are still on the server.
func (r *remote) run(ctx context.Context, state hub.State) error {
	for ctx.Err() == nil {
		if err := r.round(ctx, state); err != nil && ctx.Err() == nil {
			r.log.Warn("csv: sftp: will look again", zap.Duration("in", r.set.SFTP.Poll), nameless(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.set.SFTP.Poll):
		}
	}
	return nil
}

// nameless logs an error without the names of files in it.
func nameless(err error) zap.Field {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return zap.NamedError("error", e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return zap.NamedError("error", e.Err)
	}
	return zap.Error(err)
}

func (r *remote) round(ctx context.Context, state hub.State) error {
	client, hangUp, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	files, err := client.ReadDir(r.set.SFTP.Dir)
	if err != nil {
		return fmt.Errorf("list the directory: %w", err)
	}
	var errs []error
	for _, f := range r.ready(files) {
		if err := r.take(ctx, client, state, f); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// ready gives the files that are complete, oldest first: unchanged since the last
// look, or with their sidecar.
func (r *remote) ready(files []os.FileInfo) []os.FileInfo {
	now, names := map[string]string{}, map[string]bool{}
	for _, f := range files {
		names[f.Name()] = true
	}
	var out []os.FileInfo
	for _, f := range files {
		if !f.Mode().IsRegular() || !r.ours(f.Name()) {
			continue
		}
		now[f.Name()] = fingerprint(f)
		complete := r.seen[f.Name()] == now[f.Name()]
		if r.set.Sidecar != "" {
			complete = names[f.Name()+r.set.Sidecar]
		}
		if complete {
			out = append(out, f)
		}
	}
	r.seen = now
	slices.SortFunc(out, func(a, b os.FileInfo) int {
		if c := a.ModTime().Compare(b.ModTime()); c != 0 {
			return c
		}
		return strings.Compare(a.Name(), b.Name())
	})
	return out
}

// ours tells a file that is fetched; a name that the folder would refuse stays on
// the server.
func (r *remote) ours(name string) bool {
	ext := path.Ext(name)
	return name[0] != '.' && name[0] != '~' && len(name) <= 180 && !strings.ContainsAny(name, `/\`) &&
		slices.ContainsFunc(r.set.Endings, func(e string) bool { return strings.EqualFold(e, ext) })
}

func fingerprint(f os.FileInfo) string {
	return fmt.Sprintf("%d %d", f.Size(), f.ModTime().Unix())
}

// fetchedKey is under which it is remembered that a file was fetched; the name is
// not told.
func fetchedKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "sftp." + hex.EncodeToString(sum[:16])
}

// take fetches a file, remembers it, and clears it from the server, in this order:
// after a crash it is fetched again at worst, and gives the same events.
func (r *remote) take(ctx context.Context, client *sftp.Client, state hub.State, f os.FileInfo) error {
	key, print := fetchedKey(f.Name()), fingerprint(f)
	before, err := state.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("ask whether a file was fetched: %w", err)
	}
	if string(before) != print {
		if fetched, err := r.fetch(client, f); err != nil || !fetched {
			return err
		}
		if err := state.Put(ctx, key, []byte(print)); err != nil {
			return fmt.Errorf("remember that a file was fetched: %w", err)
		}
	}
	if err := r.clear(client, f.Name()); err != nil {
		return err
	}
	if err := state.Delete(ctx, key); err != nil {
		return fmt.Errorf("forget a file that was fetched: %w", err)
	}
	return nil
}

// fetch copies a file into in/, under its name at once and whole; false means that
// it stays on the server for now.
func (r *remote) fetch(client *sftp.Client, f os.FileInfo) (bool, error) {
	if f.Size() > r.set.MaxBytes {
		if r.warned[f.Name()] != fingerprint(f) {
			r.warned[f.Name()] = fingerprint(f)
			r.log.Warn("csv: sftp: a file is larger than max-bytes and stays on the server", zap.Int64("bytes", f.Size()))
		}
		return false, nil
	}
	target := filepath.Join(r.set.Dir, r.set.In, f.Name())
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // the one before waits still
	}
	temp := filepath.Join(r.set.Dir, r.set.In, "."+f.Name()+".part")
	if err := r.download(client, f, temp); err != nil {
		return false, errors.Join(err, ignoreAbsent(os.Remove(temp)))
	}
	if err := os.Rename(temp, target); err != nil {
		return false, fmt.Errorf("put a fetched file into in: %w", err)
	}
	if r.set.Sidecar != "" {
		if err := dropfolder.WriteSynced(target+r.set.Sidecar, nil); err != nil {
			return false, fmt.Errorf("put the sidecar of a fetched file into in: %w", err)
		}
	}
	return true, syncDir(filepath.Dir(target))
}

func (r *remote) download(client *sftp.Client, f os.FileInfo, temp string) error {
	in, err := client.Open(path.Join(r.set.SFTP.Dir, f.Name()))
	if err != nil {
		return fmt.Errorf("open a file on the server: %w", err)
	}
	defer in.Close() //nolint:errcheck // read only
	if err := os.Remove(temp); ignoreAbsent(err) != nil {
		return err
	}
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640) //nolint:gosec // read by the hub's group
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, f.Size()+1))
	switch {
	case err != nil:
		err = fmt.Errorf("copy a file from the server: %w", err)
	case n != f.Size():
		err = errors.New("copy a file from the server: it has changed meanwhile")
	default:
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// clear moves a fetched file into the server's done directory, or deletes it.
func (r *remote) clear(client *sftp.Client, name string) error {
	from := path.Join(r.set.SFTP.Dir, name)
	if r.set.Sidecar != "" {
		if err := client.Remove(from + r.set.Sidecar); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a sidecar from the server: %w", err)
		}
	}
	if r.set.SFTP.Done == "" {
		if err := client.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a fetched file from the server: %w", err)
		}
		return nil
	}
	if err := client.MkdirAll(r.set.SFTP.Done); err != nil {
		return fmt.Errorf("make the done directory on the server: %w", err)
	}
	to := path.Join(r.set.SFTP.Done, name)
	if _, err := client.Lstat(to); err == nil {
		to = path.Join(r.set.SFTP.Done, time.Now().UTC().Format("20060102T150405.000000000Z")+"-"+name)
	}
	if err := client.Rename(from, to); err != nil {
		return fmt.Errorf("move a fetched file on the server: %w", err)
	}
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
