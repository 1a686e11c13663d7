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

	hub.Looks // at the directory of the server
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
	r.Look()
	var errs []error
	for _, o := range r.ready(files) {
		if err := r.take(ctx, client, state, o); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// ready gives the files that are complete, oldest first: unchanged since the last
// look, or with their sidecar (which a crash may have left claimed alone).
func (r *remote) ready(files []os.FileInfo) []offer {
	now, names := map[string]string{}, map[string]bool{}
	for _, f := range files {
		names[f.Name()] = true
	}
	var out []offer
	for _, f := range files {
		own := ownName(f.Name())
		if !f.Mode().IsRegular() || !r.ours(own) {
			continue
		}
		now[f.Name()] = fingerprint(f)
		complete := r.seen[f.Name()] == now[f.Name()]
		if r.set.Sidecar != "" && f.Name() == own {
			complete = names[own+r.set.Sidecar] || names[claimed+own+r.set.Sidecar] && !names[claimed+own]
		}
		if complete {
			out = append(out, offer{FileInfo: f, own: own})
		}
	}
	r.seen = now
	slices.SortFunc(out, func(a, b offer) int {
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

// take claims a file, fetches it, remembers it, and clears it from the server, in
// this order: after a crash it is fetched again at worst, and gives the same
// events.
func (r *remote) take(ctx context.Context, client *sftp.Client, state hub.State, o offer) error {
	if r.waits(o) {
		return nil
	}
	key := fetchedKey(o.own)
	before, err := state.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("ask whether a file was fetched: %w", err)
	}
	if before != nil && r.set.SFTP.Claim && o.Name() == o.own {
		// It has its sender's name, so it was never fetched: that was another one, whose
		// clearing was cut off.
		if before, err = nil, state.Delete(ctx, key); err != nil {
			return fmt.Errorf("forget a file that was fetched: %w", err)
		}
	}
	o, goOn, err := r.claim(client, o)
	if err != nil || !goOn {
		return err
	}
	print := fingerprint(o)
	if string(before) != print {
		if r.blocked(o) {
			return nil
		}
		if err := r.fetch(client, o); err != nil {
			return err
		}
		if err := state.Put(ctx, key, []byte(print)); err != nil {
			return fmt.Errorf("remember that a file was fetched: %w", err)
		}
	}
	if cleared, err := r.clear(client, o); err != nil || !cleared {
		return err
	}
	// Also when the hub ends just now: without claiming, another file that gets the name,
	// the size and the second of this one would be taken for it.
	if err := state.Delete(context.WithoutCancel(ctx), key); err != nil {
		return fmt.Errorf("forget a file that was fetched: %w", err)
	}
	return nil
}

func (r *remote) target(o offer) string { return filepath.Join(r.set.Dir, r.set.In, o.own) }

// fetch copies a file into in/, under its name at once and whole. The sidecar is
// there first: after a crash in between the file is fetched again, and nothing lies
// in in/ that waits for a sidecar for good.
func (r *remote) fetch(client *sftp.Client, o offer) error {
	target := r.target(o)
	temp := filepath.Join(r.set.Dir, r.set.In, "."+o.own+".part")
	if err := r.download(client, o, temp); err != nil {
		return errors.Join(err, ignoreAbsent(os.Remove(temp)))
	}
	if r.set.Sidecar != "" {
		if err := dropfolder.WriteSynced(target+r.set.Sidecar, nil); err != nil {
			return fmt.Errorf("put the sidecar of a fetched file into in: %w", err)
		}
	}
	if err := os.Rename(temp, target); err != nil {
		return fmt.Errorf("put a fetched file into in: %w", err)
	}
	return syncDir(filepath.Dir(target))
}

func (r *remote) download(client *sftp.Client, o offer, temp string) error {
	in, err := client.Open(r.at(o))
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
	n, err := io.Copy(out, io.LimitReader(in, o.Size()+1))
	switch {
	case err != nil:
		err = fmt.Errorf("copy a file from the server: %w", err)
	case n != o.Size():
		err = errors.New("copy a file from the server: it has changed meanwhile")
	default:
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
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
